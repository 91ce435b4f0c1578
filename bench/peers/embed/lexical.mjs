// The lexical embedder in plain JavaScript: hashed words, pairs of words and parts of words, 1,536 dimensions, length 1. The same features,
// hashes and weights as the worker's lexical-v2, so that both store the same vectors.
//
// 64-bit hashes are two halves of 32 bits: BigInt would be ten times as slow. A feature's key is 53 bits of its hash, an exact number.
const DIMENSIONS = 1536
const FULL_LETTERS = 6
const LONGEST_WORD = 64
const WORD = 1.0
const PAIR = 0.5
const PART = 0.15
const RUNS = [0.25, 0.7, 0.4]

const [KIND_WORD, KIND_PAIR, KIND_PART, KIND_SIGNS, KIND_RUN] = ['w', 'p', 'c', 's', 'r'].map((kind) => kind.charCodeAt(0))

const encoder = new TextEncoder()

// The halves of the last hash.
let high = 0
let low = 0

// By a 64-bit constant, modulo 2^64.
const multiply = (byHigh, byLow) => {
    const lowLow = (low & 0xffff) * (byLow & 0xffff)
    const middleOne = (low >>> 16) * (byLow & 0xffff) + (lowLow >>> 16)
    const middleTwo = (low & 0xffff) * (byLow >>> 16) + (middleOne & 0xffff)
    const carried = (low >>> 16) * (byLow >>> 16) + Math.floor(middleOne / 0x10000) + Math.floor(middleTwo / 0x10000)
    high = (carried + Math.imul(high, byLow) + Math.imul(low, byHigh)) >>> 0
    low = Math.imul(low, byLow) >>> 0
}

const mixIn = (byte) => {
    // FNV-1a: the prime is 2^40 + 0x1b3.
    const mixed = (low ^ byte) >>> 0
    const product = mixed * 0x1b3
    high = (Math.imul(high, 0x1b3) + Math.floor(product / 0x100000000) + (mixed << 8)) >>> 0
    low = product >>> 0
}

const shiftIn = (bits) => {
    low = (low ^ ((low >>> bits) | (high << (32 - bits)))) >>> 0
    high = (high ^ (high >>> bits)) >>> 0
}

const hash = (kind, bytes, from, to) => {
    high = 0xcbf29ce4
    low = 0x84222325
    mixIn(kind)
    for (let at = from; at < to; at += 1) mixIn(bytes[at])
    // The finish of SplitMix64.
    shiftIn(30)
    multiply(0xbf58476d, 0x1ce4e5b9)
    shiftIn(27)
    multiply(0x94d049bb, 0x133111eb)
    shiftIn(31)
}

// 2^32 is 1024 modulo 1536, for half of the hash.
const place = () => (((high >>> 1) % DIMENSIONS) * 1024 + ((((high & 1) << 31) | (low >>> 1)) >>> 0)) % DIMENSIONS

const count = (features, weight) => {
    const key = (high & 0x1fffff) * 0x100000000 + low
    const feature = features.get(key)
    if (feature) feature.squares += weight * weight
    else features.set(key, { place: place(), sign: low & 1 ? -1 : 1, squares: weight * weight })
}

// Where each letter of a text begins in its UTF-8.
const begins = (bytes) => {
    const places = []
    for (let at = 0; at < bytes.length; at += 1) if ((bytes[at] & 0xc0) !== 0x80) places.push(at)
    places.push(bytes.length)
    return places
}

const normalised = (features) => {
    const sums = new Float64Array(DIMENSIONS)
    for (const { place, sign, squares } of features.values()) sums[place] += sign * Math.sqrt(squares)
    const length = Math.sqrt(sums.reduce((sum, number) => sum + number * number, 0))
    return Float32Array.from(sums, (number) => number / length)
}

// What is read as the same: NFKC and lower case, without what nobody sees inside a word.
const form = (text) =>
    /^[\x00-\x7f]*$/.test(text)
        ? text.toLowerCase()
        : text
              .replace(/[\u2120\u2122]/gu, ' ')
              .replace(/\p{Default_Ignorable_Code_Point}+/gu, '')
              .normalize('NFKC')
              .toLowerCase()
              .replaceAll('ß', 'ss')
              .replaceAll('ς', 'σ')
              .replaceAll('\u0640', '')
              .replaceAll('i\u0307', 'i')
              .normalize('NFC')

// Words, and characters in a row of scripts that put no spaces between words.
const UNSPACED = '\\p{Script=Han}\\p{Script=Hiragana}\\p{Script=Katakana}\\p{Script=Bopomofo}\\p{Script=Hangul}\\p{Script=Thai}\\p{Script=Lao}\\p{Script=Khmer}\\p{Script=Myanmar}ー'
const PIECE = new RegExp(`[${UNSPACED}]+|(?:(?![${UNSPACED}])[\\p{L}\\p{N}\\p{Mn}\\p{Mc}])+`, 'gu')
const RUN = new RegExp(`^[${UNSPACED}]`, 'u')

const countRun = (features, run) => {
    const characters = run.match(/.\p{M}*/gsu)
    for (const [first] of characters.entries()) {
        for (const [more, weight] of RUNS.entries()) {
            if (first + more >= characters.length) break
            const bytes = encoder.encode(characters.slice(first, first + more + 1).join(''))
            hash(KIND_RUN, bytes, 0, bytes.length)
            count(features, weight)
        }
    }
}

export const embed = (text) => {
    const features = new Map()
    let before
    for (const [found] of form(text).matchAll(PIECE)) {
        if (RUN.test(found)) {
            countRun(features, found)
            continue
        }
        let word = found
        if (word.length > LONGEST_WORD) word = [...word].slice(0, LONGEST_WORD).join('')
        const bytes = encoder.encode(`<${word}>`)
        const places = begins(bytes)
        const weight = Math.min(places.length - 3, FULL_LETTERS) / FULL_LETTERS
        hash(KIND_WORD, bytes, 1, bytes.length - 1)
        count(features, WORD * weight)
        if (before !== undefined) {
            const pair = encoder.encode(`${before} ${word}`)
            hash(KIND_PAIR, pair, 0, pair.length)
            count(features, PAIR * weight)
        }
        for (let size = 3; size <= 5; size += 1) {
            for (let first = 0; first + size < places.length; first += 1) {
                hash(KIND_PART, bytes, places[first], places[first + size])
                count(features, PART * weight)
            }
        }
        before = word
    }
    if (features.size === 0) {
        const signs = encoder.encode(text.replace(/\s/gu, ''))
        hash(KIND_SIGNS, signs, 0, signs.length)
        count(features, 1)
    }
    return normalised(features)
}
