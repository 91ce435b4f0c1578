// Domo's errors in plain words: what happened, and what to do.

import { Refusal, notDoneWords, wordsFor } from '../../errors';

const WORDS: Readonly<Record<string, string>> = {
    avatar_starting: 'The call is taking long to start. It shows here when it is there.',
    avatar_unavailable: 'There is no room for another call at the moment. Try again soon.',
    conversation_not_found: 'This call is gone.',
    conversation_over: 'This call is over. Start another one.',
    cta_incomplete: 'A published demo has a text and a link to call to action, or neither of the two.',
    demo_archived: 'This demo is archived. Make it a draft first.',
    demo_empty: 'There is nothing to show yet. Add knowledge, or a video that is processed.',
    demo_not_found: 'There is no such demo, or it is not yours.',
    file_refused: 'The server does not take this file.',
    documents_not_ready: 'A document is still being read. Wait for it, or remove it.',
    file_taken: 'This file is in the demo already.',
    file_too_large: 'This file is too large: a video has at most 100 MB, a document 20 MB.',
    file_type_refused: 'Files of this type are not taken. Videos: film and sound. Documents: text, Markdown, HTML, PDF.',
    invalid_answer: 'An answer has at most 8,000 characters. Shorten it, or split it.',
    invalid_content: 'A piece of knowledge has 1 to 8,000 characters. Shorten it, or split it.',
    invalid_query_text: 'A search is for 1 to 2,000 characters.',
    invalid_question: 'A question has at most 2,000 characters. Shorten it.',
    invalid_source: 'A source has at most 500 characters. Shorten it.',
    persona_missing: 'The agent has no persona yet. Enter the id of one at Tavus.',
    persona_not_found: 'Tavus does not know this persona. Enter another id.',
    provider_off: 'This server has no Tavus, so there are no calls.',
    videos_not_ready: 'A video is still being processed. Wait for it, or remove it.',
};

/** Writes to the tables meet their constraints, which the message names. */
const CONSTRAINTS: Readonly<Record<string, string>> = {
    demos_name_length_check: 'A name has 1 to 255 characters.',
    demos_agent_name_check: 'The name of an agent has 1 to 100 characters.',
    demos_description_check: 'A description has at most 5,000 characters. Shorten it.',
    demos_agent_personality_check: 'A personality has at most 4,000 characters. Shorten it.',
    demos_cta_text_check: 'The text of a call to action has 1 to 200 characters.',
    demos_cta_link_check: 'The link of a call to action begins with https://, http://, mailto: or tel:, has no spaces and at most 2,000 characters.',
    demos_agent_greeting_check: 'A greeting has at most 1,000 characters. Shorten it.',
    demos_tavus_persona_id_check: 'The id of a persona has 1 to 200 characters.',
    demo_videos_title_check: 'The name of a file has 1 to 255 characters, not all of them blank.',
    demo_documents_title_check: 'The name of a file has 1 to 255 characters, not all of them blank.',
};

/** The same of something that is not kept to be tried again, such as a call or a search. */
export function domoWordsNotDone(error: unknown): string {
    return error instanceof Refusal && error.status === 0 ? notDoneWords(error) : domoWords(error);
}

export function domoWords(error: unknown): string {
    if (error instanceof Refusal && error.code === '23514') {
        const name = Object.keys(CONSTRAINTS).find((constraint) => error.message.includes(constraint));
        return (name && CONSTRAINTS[name]) ?? wordsFor(error);
    }
    if (error instanceof Refusal && error.code === 'PGRST116') {
        // An update that found no row.
        return WORDS['demo_not_found'] ?? error.message;
    }
    if (error instanceof Refusal && error.reason === 'provider_failed') {
        // Which of Tavus' refusals it is, the message alone says.
        return error.message;
    }
    return wordsFor(error, WORDS);
}
