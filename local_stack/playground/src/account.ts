// Who this browser is, for the apps whose work outlives a tab: one person in all tabs, kept in the browser's storage, without an account at
// first. An address makes an account of it, under the same id; with it one signs in elsewhere.

import type { Session, SupabaseClient } from '@supabase/supabase-js';
import { Refusal } from './errors';
import { clientOf, newcomer, stillKnown, type Person, type Server } from './person';
import { Store } from './store';

const KEY = 'parley.account';
/** Who was signed in here, should the session be lost. */
const EMAIL = 'parley.account.email';

export class Account extends Store {
    readonly #client: SupabaseClient;
    readonly #server: Server;
    /** Nobody between signing out and being somebody new. */
    person: Person | undefined;
    /** Its address; nothing while there is no account. */
    email: string | undefined;
    /** Who was signed in here and is not any more. */
    lost: string | undefined;

    private constructor(server: Server) {
        super();
        this.#server = server;
        this.#client = clientOf(server, localStorage, KEY);
    }

    /** The person of before, or a new one. */
    static async open(server: Server): Promise<Account> {
        const account = new Account(server);
        await account.#become();
        account.#client.auth.onAuthStateChange((event, session) => {
            if (session) {
                account.#take(session);
            } else if (event === 'SIGNED_OUT') {
                account.#gone();
            }
        });
        return account;
    }

    /** Makes an account of it. False when a code that was sent has to be entered first. */
    async keep(email: string, password: string): Promise<boolean> {
        const { user } = await answerOf(this.#client.auth.updateUser({ email, password }));
        const isConfirmed = user?.email === email.trim().toLowerCase() && !user.is_anonymous;
        if (isConfirmed) {
            await this.#renew();
        }
        return isConfirmed;
    }

    async confirm(email: string, token: string): Promise<void> {
        await answerOf(this.#client.auth.verifyOtp({ email, token, type: 'email_change' }));
        await this.#renew();
    }

    async signIn(email: string, password: string): Promise<void> {
        await answerOf(this.#client.auth.signInWithPassword({ email, password }));
    }

    /** Sends a code to who has an account. */
    async sendCode(email: string): Promise<void> {
        await answerOf(this.#client.auth.signInWithOtp({ email, options: { shouldCreateUser: false } }));
    }

    async signInWithCode(email: string, token: string): Promise<void> {
        await answerOf(this.#client.auth.verifyOtp({ email, token, type: 'email' }));
    }

    /** Signs out in this browser; who is here then is somebody new. */
    async signOut(): Promise<void> {
        localStorage.removeItem(EMAIL);
        await this.#client.auth.signOut({ scope: 'local' });
    }

    /** The token says whether there is an account. */
    async #renew(): Promise<void> {
        await answerOf(this.#client.auth.refreshSession());
    }

    #take({ user }: Session): void {
        if (this.person?.id !== user.id) {
            this.person = { id: user.id, client: this.#client, server: this.#server };
        }
        this.email = user.is_anonymous ? undefined : user.email;
        if (this.email !== undefined) {
            this.lost = undefined;
            localStorage.setItem(EMAIL, this.email);
        }
        this.changed();
    }

    #gone(): void {
        this.person = undefined;
        this.email = undefined;
        this.changed();
        // auth-js holds its lock while it tells of this: what asks it for something has to come later.
        setTimeout(() => void this.#become().catch(() => undefined), 0);
    }

    /** One tab at a time: the first becomes somebody, the others find that somebody. */
    async #become(): Promise<void> {
        const become = async () => {
            const kept = await this.#client.auth.getSession();
            const session = (await stillKnown(this.#client, kept.data.session)) ?? (await newcomer(this.#client));
            this.lost = session.user.is_anonymous ? (localStorage.getItem(EMAIL) ?? undefined) : undefined;
            this.#take(session);
        };
        await ('locks' in navigator ? navigator.locks.request('parley.account.become', become) : become());
    }
}

interface Answer {
    readonly data: unknown;
    readonly error: { readonly status?: number | undefined; readonly code?: string | undefined; readonly message: string } | null;
}

async function answerOf<Given extends Answer>(pending: Promise<Given>): Promise<Given['data']> {
    const { data, error } = await pending;
    if (error) {
        throw new Refusal(error.status ?? 0, '', error.code ?? '', error.message, '');
    }
    return data;
}

const WORDS: Readonly<Record<string, string>> = {
    email_address_invalid: 'This is not an e-mail address.',
    email_exists: 'This address has an account already. Sign in with it instead.',
    email_not_confirmed: 'This address is not confirmed yet. Enter the code that was sent to it.',
    invalid_credentials: 'There is no account with this address and password.',
    otp_disabled: 'There is no account with this address.',
    otp_expired: 'This is not the code, or it is too old. Ask for another.',
    over_email_send_rate_limit: 'A code was sent a moment ago. Wait a minute before you ask for another.',
    same_password: 'This is the password already.',
    signup_disabled: 'This server makes no accounts.',
    user_already_exists: 'This address has an account already. Sign in with it instead.',
    user_banned: 'This account is locked.',
    validation_failed: 'This is not an e-mail address.',
    weak_password: 'This password is too short or too simple. Choose a longer one.',
};

/** What Auth says, in plain words. */
export function accountWords(error: unknown): string | undefined {
    return error instanceof Refusal ? WORDS[error.reason] : undefined;
}
