# A PDF by ReportLab: a font in StandardEncoding, and fonts for Chinese, Japanese and Korean that are not in the file.

import json

from reportlab.lib.pagesizes import A4
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.pdfbase.pdfmetrics import Font
from reportlab.pdfgen.canvas import Canvas

texts = json.load(open("texts.json", encoding="utf-8"))
canvas = Canvas("reportlab.pdf", pagesize=A4, invariant=1)
pdfmetrics.registerFont(Font("standard", "Helvetica", "StandardEncoding"))
for name in ["STSong-Light", "HeiseiMin-W3", "HYSMyeongJo-Medium"]:
    pdfmetrics.registerFont(UnicodeCIDFont(name))
lines = canvas.beginText(50, 780)
for language, font in {
    "en": "standard",
    "de": "Times-Roman",
    "zh": "STSong-Light",
    "ja": "HeiseiMin-W3",
    "ko": "HYSMyeongJo-Medium",
}.items():
    lines.setFont(font, 12)
    words = texts[language]["text"]
    # Over two lines, in the middle of a sentence.
    middle = words.rfind(" ", 0, len(words) // 2 + 1)
    middle = middle if middle > 0 else words.find("。") if language == "ja" else len(words) // 2
    for line in [words[:middle], words[middle:]]:
        lines.textLine(line.strip())
    lines.moveCursor(0, 20)
canvas.drawText(lines)
canvas.save()
