use super::*;

/// Pages, and what a reader sees of them.
fn check(pages: &[(&str, &str)]) {
    for (page, expected) in pages {
        assert_eq!(text(page), *expected, "{page}");
    }
}

#[test]
fn what_is_hidden_is_left_out() {
    check(&[
        ("<p>a</p><p hidden>secret</p>b", "a\n\nb"),
        ("<p>a<span style='display:none'>secret</span>b", "ab"),
        ("<p style='DISPLAY : None !important'>secret</p>a", "a"),
        (
            "<div style='display:none'><p style='display:block'>secret</p></div>a",
            "a",
        ),
        (
            "<p>a <span style='visibility:hidden'>secret <b style='visibility:visible'>b</b></span>",
            "a b",
        ),
        ("<table style='visibility:collapse'><tr><td>secret</table>a", "a"),
        (
            "a<i style='opacity:0'>secret</i><i style='opacity:0.5'>b</i>",
            "ab",
        ),
        (
            "<p style='font-size:0'>secret<b style='font-size:12px'>a</b><b style='font-size:2em'>secret</b>",
            "a",
        ),
        ("<div style='content-visibility:hidden'>secret</div>a", "a"),
        (
            "<span style='position:absolute;clip:rect(0, 0, 0, 0)'>secret</span>a",
            "a",
        ),
        (
            "<span style='position:absolute;clip-path:inset(50%)'>secret</span>a",
            "a",
        ),
        (
            "<template><p>secret</p></template><noscript>secret</noscript><script>secret()</script><style>.secret{}</style>a",
            "a",
        ),
        (
            "<title>secret</title><meta name=description content=secret>a<!-- secret -->",
            "a",
        ),
        (
            "<input type=hidden value=secret><input type=checkbox value=secret><input type=password value=secret>a",
            "a",
        ),
        (
            "<button aria-label=secret title=secret>a</button><img alt=secret src=x>",
            "a",
        ),
        ("<span aria-hidden=true>a</span>", "a"),
        (
            "<dialog>secret</dialog><dialog open>a</dialog><div popover>secret</div>",
            "a",
        ),
        (
            "<audio>secret</audio><video>secret</video><canvas>secret</canvas><iframe>secret</iframe><object data=x>secret</object>a",
            "a",
        ),
        (
            "<svg><title>secret</title><desc>secret</desc><text>a</text></svg>",
            "a",
        ),
        ("<input list=l><datalist id=l><option>secret</datalist>a", "a"),
    ]);
}

#[test]
fn style_sheets_of_the_page_count_as_the_standard_says() {
    let styled = |css: &str, body: &str| text(&format!("<style>{css}</style>{body}"));
    for (css, body, expected) in [
        (".x{display:none}", "<p class='y x'>secret</p>a", "a"),
        (".x{display:none}", "<p class='y\nx'>secret</p>a", "a"),
        (
            "#x, .y > b {display:none}",
            "<p id=x>secret</p><p class=y>a<b>secret</b><i><b>b</b></i>",
            "ab",
        ),
        ("ul li + li{display:none}", "<ul><li>a<li>secret</ul>", "a"),
        ("[data-x]{visibility:hidden}", "<p data-x>secret</p>a", "a"),
        (
            "p{display:none} p.x{display:block}",
            "<p class=x>a</p><p>secret",
            "a",
        ),
        (
            "p.x{display:block} p{display:none}",
            "<p class=x>a</p><p>secret",
            "a",
        ),
        (
            "p{display:none!important}",
            "<p style='display:block'>secret</p>a",
            "a",
        ),
        ("p{display:none}", "<p style='display:block'>a", "a"),
        // `hidden` is a style of the browser, which the page's own goes before.
        (".x{display:flex}", "<p hidden class=x>a", "a"),
        (
            "@media print{p{display:none}} @media screen{b{display:none}}",
            "<p>a<b>secret</b>",
            "a",
        ),
        (
            "@media (max-width:600px){p{display:none}} .m{display:none} @media (min-width:600px){.m{display:block}}",
            "<p>a<p class=m>b",
            "a\n\nb",
        ),
        (
            "@charset 'utf-8'; @import url(x.css); p{display:none}",
            "<p>secret</p>a",
            "a",
        ),
        ("/* p{display:none} */ b{display:none}", "<p>a<b>secret</b>", "a"),
        // What is no CSS hides nothing, and does not stop what is.
        (
            "p:unheard-of(x){display:none} i{color:} b{display:none}",
            "<p>a<b>secret</b>",
            "a",
        ),
        ("", "<template><style>p{display:none}</style></template><p>a", "a"),
        (
            "",
            "<style media=print>p{display:none}</style><style type='text/x'>p{display:none}</style><p>a",
            "a",
        ),
        // A page that waits for its scripts.
        (
            "body{opacity:0} html{visibility:hidden} *{display:block}",
            "<script>secret</script><p>a",
            "a",
        ),
    ] {
        assert_eq!(styled(css, body), expected, "{css} {body}");
    }
}

/// Those of the standard's list (HTML, 15.3, "Non-replaced elements") that are on lines of their own.
#[test]
fn every_block_of_the_standard_divides_words() {
    for name in [
        "address",
        "article",
        "aside",
        "blockquote",
        "center",
        "dd",
        "details",
        "dir",
        "div",
        "dl",
        "dt",
        "fieldset",
        "figcaption",
        "figure",
        "footer",
        "form",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "header",
        "hgroup",
        "legend",
        "li",
        "listing",
        "main",
        "menu",
        "nav",
        "ol",
        "p",
        "pre",
        "search",
        "section",
        "summary",
        "ul",
        "xmp",
    ] {
        let page = format!("one<{name}>two</{name}>three<{name}>four</{name}><{name}>five</{name}>");
        let words: Vec<String> = text(&page).split_whitespace().map(str::to_owned).collect();
        assert_eq!(words, ["one", "two", "three", "four", "five"], "{name}");
    }
    check(&[
        (
            "<section>three days</section><section>Returns</section>",
            "three days\n\nReturns",
        ),
        ("<div>a</div><div>b</div>", "a\nb"),
        ("a<br>b<br><br>c<hr>d", "a\nb\n\nc\n\nd"),
        (
            "<table><caption>t</caption><tr><th>a</th><td>b</td></tr><tr><td>c<td><p>d</p></table>",
            "t\na\tb\nc\n\nd",
        ),
        (
            "<select><optgroup label=g><option>a<option label=b>x</optgroup></select>",
            "g\na\nb",
        ),
        (
            "<button>a</button><button>b</button><input value=c><input placeholder=d><textarea>e\n f</textarea>",
            "a b c d e\n f",
        ),
        (
            "<span style='display:block'>a</span><span style='display:block'>b</span>",
            "a\nb",
        ),
        (
            "<div style='display:flex'><span>a</span><span>b</span>c</div>",
            "a\nb\nc",
        ),
        ("<span style='float:left'>a</span>b", "a\nb"),
        (
            "<div style='display:inline'>a</div><div style='display:inline'>b</div>",
            "ab",
        ),
        ("<dl><dt>a<dd>b</dl>", "a\nb"),
        ("<details><summary>a</summary>b</details>", "a\nb"),
        ("<frameset><frame></frameset><noframes>secret</noframes>", ""),
    ]);
}

#[test]
fn what_is_within_a_word_does_not_divide_it() {
    check(&[
        (
            "<s>99 EUR</s> <del>89</del> <strike>79</strike> <ins>69</ins>",
            "99 EUR 89 79 69",
        ),
        (
            "<b>H</b>ello <i>w</i><span>or</span><my-part>ld</my-part>",
            "Hello world",
        ),
        ("super<wbr>long extra&shy;ordinary", "superlong extraordinary"),
        ("H<sub>2</sub>O m<sup>2</sup> 1<sup>st</sup>", "H2O m2 1st"),
        ("a<!-- x -->b<a href=x>c</a>", "abc"),
        (
            "caf&eacute; &lt;b&gt; &amp; &#x4e16;&#30028; &nbsp;x",
            "café <b> & 世界 \u{a0}x",
        ),
        ("<q>a</q>", "“a”"),
        (
            "<ruby>漢<rp>(</rp><rt>かん</rt><rp>)</rp>字<rt>じ</rt></ruby>です",
            "漢字 かんじ です",
        ),
        ("<p>one\n   two\t\tthree</p>", "one two three"),
        ("<b>one </b> two", "one two"),
    ]);
}

#[test]
fn preformatted_text_keeps_its_lines_and_lists_their_numbers() {
    check(&[
        ("<pre>\na  b\n\n  c</pre>d", "a  b\n\n  c\n\nd"),
        ("<div style='white-space:pre-wrap'>a\n b</div>", "a\n b"),
        (
            "<ol><li>a<li>b<ol start=7><li>c</ol><li value=5>d<li>e</ol>",
            "1. a\n2. b\n\n7. c\n\n5. d\n6. e",
        ),
        ("<ol reversed><li>a<li>b</ol><ul><li>c</ul>", "2. a\n1. b\n\nc"),
    ]);
}

#[test]
fn no_page_is_too_deep_or_too_broken() {
    let deep = format!("{}a{}b", "<div><span>".repeat(3000), "</span></div>".repeat(3000));
    assert_eq!(text(&deep), "a\nb");
    check(&[
        ("<b><p>a</b>b</p>c", "ab\n\nc"),
        ("<table>a<tr><td>b</table>", "a\n\nb"),
        ("<p>a<div>b</p>c", "a\n\nb\n\nc"),
        ("</p></div>a<", "a<"),
        ("", ""),
    ]);
}
