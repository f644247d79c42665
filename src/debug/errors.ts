/** What refusals the operations of the debug API have in common, for the OpenAPI document. */
import { errorResponse } from '../http/json-error.ts'

/** Refusals that every operation of the debug API has. */
export const debugErrors = {
  400: errorResponse(
    'Something in the path or the query is wrong',
    'bad-field',
    'The path must be percent-encoded UTF-8',
  ),
  401: errorResponse(
    'The token is missing or wrong',
    'not-authenticated',
    'Send the token of the setting debugger.token, as "Authorization: Bearer …"',
  ),
  403: errorResponse(
    'The page comes from another origin; or, without a token, the request came through a proxy or under a foreign host name',
    'forbidden-host',
    'The debug API answers only under the name of this machine: use localhost, or set debugger.token in the configuration',
  ),
}
