// Work for the person that it was meant for.

import { Refusal } from '../../errors';
import type { Person } from '../../person';

/** Another tab may have signed in as somebody else, and this one not know yet: then it waits. */
export async function asPerson<Data>({ client, id }: Person, work: () => Promise<Data>): Promise<Data> {
    const { data } = await client.auth.getSession();
    if (data.session?.user.id !== id) {
        throw new Refusal(0, '', '', 'Somebody else is signed in.', '');
    }
    return await work();
}
