/**
 * What the text of a source file says: which modules it imports, which globals it reads, what state it keeps. Read
 * with TypeScript's parser, by the architecture test, whose rules it does not know.
 */
import ts from 'typescript'

export interface Fact<Name = string> {
  readonly name: Name
  readonly line: number
}

export interface Facts {
  /** Every import of any form, of types too; without a name where the path is computed. */
  readonly imports: readonly Fact<string | undefined>[]
  /** Identifiers that are no property and no declaration. A local of the same name counts too. */
  readonly globals: readonly Fact[]
  /** Reads of the environment variables. */
  readonly environment: readonly Fact[]
  /** Variables of the module that can be assigned anew. */
  readonly state: readonly Fact[]
}

export function readFacts(file: string, text: string): Facts {
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true)
  const facts = { imports: [] as Fact<string | undefined>[], globals: [] as Fact[], environment: [] as Fact[] }
  const lineOf = (node: ts.Node) => source.getLineAndCharacterOfPosition(node.getStart()).line + 1
  const look = (node: ts.Node) => {
    const line = lineOf(node)
    if (isImport(node)) facts.imports.push({ name: specifierOf(node), line })
    if (isEnvironment(node)) facts.environment.push({ name: node.getText(), line })
    const name = globalIn(node)
    if (name !== undefined) facts.globals.push({ name, line })
    node.forEachChild(look)
  }
  source.forEachChild(look)
  return {
    ...facts,
    state: mutableVariables(source).map((node) => ({ name: node.name.getText(), line: lineOf(node) })),
  }
}

/** At least one cycle of every group of files that import each other. */
export function cyclesOf(graph: ReadonlyMap<string, readonly string[]>): string[] {
  const cycles: string[] = []
  const done = new Set<string>()
  const follow = (file: string, path: readonly string[]) => {
    if (path.includes(file)) cycles.push(`Cycle: ${[...path.slice(path.indexOf(file)), file].join(' -> ')}`)
    else if (!done.has(file)) {
      for (const target of graph.get(file) ?? []) follow(target, [...path, file])
      done.add(file)
    }
  }
  for (const file of graph.keys()) follow(file, [])
  return cycles
}

type Import =
  ts.ImportDeclaration | ts.ExportDeclaration | ts.ExternalModuleReference | ts.ImportTypeNode | ts.CallExpression

function isImport(node: ts.Node): node is Import {
  if (ts.isExportDeclaration(node)) return node.moduleSpecifier !== undefined
  if (ts.isCallExpression(node)) {
    return node.expression.kind === ts.SyntaxKind.ImportKeyword || node.expression.getText() === 'require'
  }
  return ts.isImportDeclaration(node) || ts.isExternalModuleReference(node) || ts.isImportTypeNode(node)
}

function specifierOf(node: Import): string | undefined {
  const from = specifierNode(node)
  return from && ts.isStringLiteralLike(from) ? from.text : undefined
}

function specifierNode(node: Import): ts.Node | undefined {
  if (ts.isCallExpression(node)) return node.arguments[0]
  if (ts.isExternalModuleReference(node)) return node.expression
  if (ts.isImportTypeNode(node)) return ts.isLiteralTypeNode(node.argument) ? node.argument.literal : undefined
  return node.moduleSpecifier
}

/** The name that the node may read from the global object. */
function globalIn(node: ts.Node): string | undefined {
  const { parent } = node
  if (ts.isStringLiteral(node)) {
    const isKey = ts.isElementAccessExpression(parent) && parent.expression.getText() === 'globalThis'
    const isLookedFor = ts.isBinaryExpression(parent) && parent.operatorToken.kind === ts.SyntaxKind.InKeyword
    return isKey || isLookedFor ? node.text : undefined
  }
  if (!ts.isIdentifier(node)) return undefined
  if (ts.isPropertyAccessExpression(parent) && parent.name === node) {
    return parent.expression.getText() === 'globalThis' ? node.text : undefined
  }
  if (ts.isQualifiedName(parent) && parent.right === node) return undefined
  if (ts.isShorthandPropertyAssignment(parent) || ts.isBindingElement(parent)) return node.text
  const isDeclaration = 'name' in parent && parent.name === node
  return isDeclaration || ts.isImportSpecifier(parent) || ts.isExportSpecifier(parent) ? undefined : node.text
}

function isEnvironment(node: ts.Node): boolean {
  const isProcess = (from: ts.Node) =>
    /^((globalThis\.)?(process|Bun|Deno)|import\.meta)$/.test(from.getText().replaceAll('?', ''))
  if (ts.isPropertyAccessExpression(node)) return node.name.text === 'env' && isProcess(node.expression)
  if (ts.isElementAccessExpression(node)) {
    return (
      ts.isStringLiteral(node.argumentExpression) &&
      node.argumentExpression.text === 'env' &&
      isProcess(node.expression)
    )
  }
  if (ts.isImportSpecifier(node)) {
    const { moduleSpecifier } = node.parent.parent.parent as ts.ImportDeclaration
    return (node.propertyName ?? node.name).text === 'env' && /^.(node:)?process.$/.test(moduleSpecifier.getText())
  }
  if (!ts.isBindingElement(node) || (node.propertyName ?? node.name).getText() !== 'env') return false
  const declaration = node.parent.parent
  return ts.isVariableDeclaration(declaration) && !!declaration.initializer && isProcess(declaration.initializer)
}

function mutableVariables(source: ts.SourceFile): ts.VariableDeclaration[] {
  return source.statements
    .filter((statement) => ts.isVariableStatement(statement))
    .filter(({ modifiers }) => !modifiers?.some(({ kind }) => kind === ts.SyntaxKind.DeclareKeyword))
    .map(({ declarationList }) => declarationList)
    .filter(({ flags }) => [ts.NodeFlags.None, ts.NodeFlags.Let].includes(flags & ts.NodeFlags.BlockScoped)) // var, let
    .flatMap(({ declarations }) => [...declarations])
}
