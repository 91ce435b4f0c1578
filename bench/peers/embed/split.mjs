// Texts in pieces, by LangChain's splitter: the size and the overlap of the worker's, and the ends of sentences before those of words.
import { MarkdownTextSplitter, RecursiveCharacterTextSplitter } from '@langchain/textsplitters'

const sizes = { chunkSize: 1000, chunkOverlap: 200 }
const talk = new RecursiveCharacterTextSplitter({ ...sizes, separators: ['\n\n', '\n', '. ', '! ', '? ', ' ', ''] })
const markdown = new MarkdownTextSplitter(sizes)

export const split = (text, isMarkdown) => (isMarkdown ? markdown : talk).splitText(text)
