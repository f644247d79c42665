/** Lets in, as nobody, who brings nothing. Who shows a credential is judged by that. */
import { hasCredential, type Authenticator, type Credentials, type Verdict } from './authenticator.ts'
import { ANONYMOUS } from './identity.ts'

export class AnonymousAuthenticator implements Authenticator {
  readonly type = 'anonymous'

  authenticate(credentials: Credentials): Verdict {
    return hasCredential(credentials) ? 'not-mine' : ANONYMOUS
  }
}
