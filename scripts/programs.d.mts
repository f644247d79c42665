/** What the tests use of programs.mjs, which has to run before there is a compiler. */

export interface Program {
  readonly name: string
  /** The environment variable that names another one. */
  readonly variable: string
}

export interface FoundProgram {
  readonly path: string
  readonly version: string
}

export declare const chromium: Program
export declare const nginx: Program
export declare const promtool: Program
export declare function findProgram(program: Program): FoundProgram | undefined
export declare function missing(program: Program): Error
