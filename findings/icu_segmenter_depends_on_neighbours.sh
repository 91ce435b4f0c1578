#!/usr/bin/env bash
# ICU's dictionary segmenter (Intl.Segmenter of Node 20.20.2, 22.22.0 and 24.11.1): a word of two characters that is one segment by itself is none in the text it stands in.
#
# 学生 (student) is a segment, 大学生 (university student) is one as a whole, so who searches an index of segments for 学生 does not find 大学生. 科学
# (science) is a segment, and 中国科学院 (Chinese Academy of Sciences) is cut into 中国, 科 and 学院: neither 科学 nor 科学院 is in it. So what is
# stored and what is asked are cut differently, though the same library cuts both. Overlapping pairs of characters find all of these.
#
# Exits with 0 when it is still so. Needs npm and the registry.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
cat >segments.mjs <<'JS'
const segments = (text) => [...new Intl.Segmenter('zh', { granularity: 'word' }).segment(text)].map(({ segment }) => segment);
let isSo = true;
for (const [text, word] of [
    ['大学生', '学生'],
    ['中国科学院', '科学'],
]) {
    console.log(`${process.version}, ICU ${process.versions.icu}: ${word} is ${segments(word).join('|')}, ${text} is ${segments(text).join('|')}`);
    isSo &&= segments(word).length === 1 && text.includes(word) && !segments(text).includes(word);
}
process.exitCode = isSo ? 0 : 1;
JS
for version in 20.20.2 22.22.0 24.11.1; do
    mkdir "$version"
    (cd "$version" && npm init -y >/dev/null && npm install --silent --no-audit --no-fund "node@$version")
    "$version/node_modules/node/bin/node" segments.mjs
done
