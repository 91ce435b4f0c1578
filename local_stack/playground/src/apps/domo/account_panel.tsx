// Whose the demos are: this browser's, without an account, or an account's. The way from the one to the other, and in and out.

import type { ComponentChildren } from 'preact';
import { useRef, useState } from 'preact/hooks';
import { accountWords, type Account } from '../../account';
import { notDoneWords } from '../../errors';
import { useQuestion } from '../../question';
import { useStore } from '../../store';
import { TextField } from '../../text_field';

const EMAIL_MAX = 255;
/** What bcrypt reads of a password. */
const PASSWORD_MAX = 72;

export function AccountPanel({ account, demos }: { account: Account; demos: number }) {
    useStore(account);
    const [question, ask] = useQuestion();
    const { email, lost } = account;
    if (email !== undefined) {
        const signOut = () =>
            ask({
                title: 'Sign out?',
                text: 'The demos stay with the account: sign in again to see them. This browser then begins without any.',
                yes: 'Sign out',
                no: 'Stay',
                act: () => void account.signOut(),
            });
        return (
            <section class="account" aria-label="Account">
                <p>
                    Signed in as <strong>{email}</strong>. Your demos are there wherever you sign in.
                </p>
                <button type="button" class="plain small" onClick={signOut}>
                    Sign out
                </button>
                {question}
            </section>
        );
    }
    return (
        <section class="account" aria-label="Account">
            <p>
                {lost !== undefined ? (
                    <>
                        You are not signed in as <strong>{lost}</strong> any more. Sign in to see the demos of that account.
                    </>
                ) : (
                    'Your demos are kept in this browser, without an account. With an e-mail address you find them from anywhere.'
                )}
            </p>
            <div class="row">
                <Keep account={account} />
                <SignIn account={account} demos={demos} />
            </div>
        </section>
    );
}

/** A dialog of a few steps: what goes wrong in one is said below its fields. */
function useSteps() {
    const dialog = useRef<HTMLDialogElement>(null);
    const [isBusy, setBusy] = useState(false);
    const [trouble, setTrouble] = useState('');
    const run = async (step: () => Promise<unknown>): Promise<boolean> => {
        setBusy(true);
        setTrouble('');
        try {
            await step();
            return true;
        } catch (error) {
            setTrouble(accountWords(error) ?? notDoneWords(error));
            return false;
        } finally {
            setBusy(false);
        }
    };
    const close = () => dialog.current?.close();
    const open = () => {
        setTrouble('');
        dialog.current?.showModal();
    };
    return { dialog, isBusy, trouble, run, open, close };
}

interface StepsProps {
    readonly steps: ReturnType<typeof useSteps>;
    readonly id: string;
    readonly title: string;
    submit(): void;
    readonly children: ComponentChildren;
}

function Steps({ steps: { dialog, isBusy, trouble, close }, id, title, submit, children }: StepsProps) {
    return (
        <dialog ref={dialog} aria-labelledby={id}>
            <h2 id={id}>{title}</h2>
            <form
                onSubmit={(event) => {
                    event.preventDefault();
                    if (!isBusy) {
                        submit();
                    }
                }}
            >
                {children}
                <p class="trouble" role="alert">
                    {trouble}
                </p>
                <button type="button" class="quiet" onClick={close}>
                    Cancel
                </button>
            </form>
        </dialog>
    );
}

/** Mail of the local stack is not sent: it lies there. */
function MailNote({ email }: { email: string }) {
    return (
        <p>
            A code was sent to {email}. The local stack keeps its mail at{' '}
            <a href="/_mail" target="_blank" rel="noopener noreferrer">
                /_mail<span class="sr"> in a new tab</span>
            </a>
            .
        </p>
    );
}

function Keep({ account }: { account: Account }) {
    const steps = useSteps();
    const [email, setEmail] = useState('');
    const [password, setPassword] = useState('');
    const [code, setCode] = useState('');
    const [isSent, setSent] = useState(false);
    const submit = () =>
        steps.run(async () => {
            if (isSent) {
                await account.confirm(email.trim(), code.trim());
            } else if (!(await account.keep(email.trim(), password))) {
                setSent(true);
                return;
            }
            steps.close();
        });
    return (
        <>
            <button type="button" class="primary small" onClick={steps.open}>
                Keep them with an e-mail
            </button>
            <Steps steps={steps} id="keep-title" title="Keep your demos" submit={() => void submit()}>
                {isSent ? (
                    <>
                        <MailNote email={email} />
                        <TextField label="Code" value={code} max={20} set={setCode} autoComplete="one-time-code" required />
                    </>
                ) : (
                    <>
                        <TextField label="E-mail" type="email" value={email} max={EMAIL_MAX} set={setEmail} autoComplete="email" required />
                        <TextField
                            label="Password"
                            hint="to sign in with elsewhere"
                            type="password"
                            value={password}
                            max={PASSWORD_MAX}
                            set={setPassword}
                            autoComplete="new-password"
                            required
                        />
                    </>
                )}
                <button type="submit" class="primary" disabled={steps.isBusy}>
                    {isSent ? 'Confirm' : 'Keep them'}
                </button>
            </Steps>
        </>
    );
}

export function SignIn({ account, demos }: { account: Account; demos: number }) {
    const steps = useSteps();
    const [question, ask] = useQuestion();
    const [email, setEmail] = useState('');
    const [password, setPassword] = useState('');
    const [code, setCode] = useState('');
    const [isSent, setSent] = useState(false);
    const begin = () => {
        if (demos === 0) {
            steps.open();
        } else {
            ask({
                title: 'Leave your demos behind?',
                text: `${demos === 1 ? 'There is one demo' : `There are ${demos} demos`} here without an account. Who signs in to another account does not see them any more. Keep them with an e-mail first.`,
                yes: 'Sign in anyway',
                no: 'Stay',
                act: steps.open,
            });
        }
    };
    const submit = () =>
        steps.run(async () => {
            await (isSent ? account.signInWithCode(email.trim(), code.trim()) : account.signIn(email.trim(), password));
            steps.close();
        });
    const send = async () => {
        if (await steps.run(() => account.sendCode(email.trim()))) {
            setSent(true);
        }
    };
    return (
        <>
            <button type="button" class="plain small" onClick={begin}>
                Sign in
            </button>
            <Steps steps={steps} id="sign-in-title" title="Sign in" submit={() => void submit()}>
                {isSent ? (
                    <>
                        <MailNote email={email} />
                        <TextField label="Code" value={code} max={20} set={setCode} autoComplete="one-time-code" required />
                    </>
                ) : (
                    <>
                        <TextField label="E-mail" type="email" value={email} max={EMAIL_MAX} set={setEmail} autoComplete="username" required />
                        <TextField
                            label="Password"
                            type="password"
                            value={password}
                            max={PASSWORD_MAX}
                            set={setPassword}
                            autoComplete="current-password"
                            required
                        />
                    </>
                )}
                <button type="submit" class="primary" disabled={steps.isBusy}>
                    Sign in
                </button>
                {isSent ? (
                    <button type="button" class="plain" onClick={() => setSent(false)}>
                        Use the password
                    </button>
                ) : (
                    <button type="button" class="plain" disabled={steps.isBusy || !email.includes('@')} onClick={() => void send()}>
                        Send me a code instead
                    </button>
                )}
            </Steps>
            {question}
        </>
    );
}
