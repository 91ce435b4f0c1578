// The servers of Supabase Auth that the clients' suites name by their ports. Each is a stack of its own with the settings that the suite
// gives its server, behind a port that serves `/auth/v1` at its root and wants no API key.

import { generateKeyPairSync } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer, request } from 'node:http';
import { join } from 'node:path';

// What the servers of the suites sign with, and the suites too.
const SECRET = '37c304f8-51aa-419a-a1af-06154e63707a';

// The name that the suites know the key of the last one by.
const RSA_KEY = '638c54b8-28c2-4b12-9598-ba12ef610a29';

const CONFIRMING = { enable_signup: true, email: { enable_confirmations: true }, sms: { enable_signup: true, enable_confirmations: true } };
const AT_ONCE = { enable_signup: true, email: {}, sms: { enable_signup: true } };
const CLOSED = { enable_signup: false, email: { enable_signup: false, enable_confirmations: true }, sms: { enable_signup: false, enable_confirmations: true } };

const SERVERS = {
    9999: { settings: CONFIRMING },
    9998: { settings: AT_ONCE, algorithm: 'HS256' },
    9997: { settings: CLOSED },
    9996: { settings: AT_ONCE, isRsa: true },
};

/** Starts all four. `anonymous` are the ports of those where people may come without an account. */
export async function startServers({ repository, folder, anonymous, startStack }) {
    const started = await Promise.all(
        Object.entries(SERVERS).map(([port, server]) => startServer({ repository, folder, startStack, port: Number(port), anonymous, ...server })),
    );
    return {
        variables: {},
        async stop() {
            await Promise.all(started.map((stop) => stop()));
        },
    };
}

async function startServer({ repository, folder, startStack, port, anonymous, settings, algorithm = 'ES256', isRsa = false }) {
    const own = join(folder, String(port));
    const project = join(own, 'settings');
    mkdirSync(join(project, 'supabase'), { recursive: true });
    const top = { ...settings, site_url: `http://localhost:${port}`, enable_anonymous_sign_ins: anonymous.includes(port) };
    if (isRsa) {
        const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
        const key = { ...privateKey.export({ format: 'jwk' }), kid: RSA_KEY, alg: 'RS256', key_ops: ['sign', 'verify'] };
        writeFileSync(join(project, 'supabase/signing_keys.json'), JSON.stringify([key]));
        top.signing_keys_path = 'signing_keys.json';
    }
    writeFileSync(join(project, 'supabase/config.toml'), toml(top));
    const env = { SUPABASE_JWT_SECRET: SECRET, PARLEY_JWT_ALGORITHM: algorithm };
    const stack = await startStack({ repository, folder: own, project, ports: { api: 0, db: 0 }, env });
    const server = createServer((incoming, outgoing) => pass(stack.variables, incoming, outgoing));
    await new Promise((done) => server.listen(port, done));
    return async () => {
        server.closeAllConnections();
        server.close();
        await stack.stop();
    };
}

function toml({ email, sms, ...top }) {
    const lines = (section) => Object.entries(section).map(([name, value]) => `${name} = ${JSON.stringify(value)}`);
    return ['[auth]', ...lines(top), '[auth.email]', ...lines(email), '[auth.sms]', ...lines({ ...sms, max_frequency: '0s' }), '[auth.mfa.totp]', 'enroll_enabled = true', 'verify_enabled = true', ''].join('\n');
}

/** The same request below `/auth/v1`, with the key that lets it through the gateway. A token of its own stays. */
function pass({ SUPABASE_URL, SUPABASE_ANON_KEY }, incoming, outgoing) {
    const onwards = request(`${SUPABASE_URL}/auth/v1${incoming.url}`, {
        method: incoming.method,
        headers: { ...incoming.headers, apikey: SUPABASE_ANON_KEY },
    });
    onwards.on('response', (answer) => {
        outgoing.writeHead(answer.statusCode, answer.headers);
        answer.pipe(outgoing);
    });
    onwards.on('error', () => outgoing.destroy());
    incoming.pipe(onwards);
}
