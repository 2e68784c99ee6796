"""The page's style: one sheet, light and dark, no fonts or pictures from elsewhere."""

STYLE = """
:root{color-scheme:light dark;--page:#f6f7f9;--card:#fff;--ink:#1b2430;--soft:#566274;--rule:#d9dfe7;
--a:#1f6fb2;--b:#c2570c;--c:#6b4bb0;--d:#11806a;--lost:#f3d9d4;--limit:#b3261e;
--deg0:#e3eef9;--deg1:#bfd9f0;--deg2:#8fbde3;--deg3:#5a9ad1;--deg4:#2a74b5;--deg5:#0d4a86;--on5:#fff;--on0:#0c2b47}
@media (prefers-color-scheme:dark){:root{--page:#12161c;--card:#1a2028;--ink:#e4e9f0;--soft:#9aa7b8;--rule:#323c49;
--a:#6cb2ee;--b:#f2994a;--c:#b39bf0;--d:#4cc4a8;--lost:#46282a;--limit:#ff8a80;
--deg0:#21384e;--deg1:#27527a;--deg2:#2f6ea6;--deg3:#4a8fcb;--deg4:#7db5e6;--deg5:#bfe0ff;--on5:#0c2b47;--on0:#e4e9f0}}
*{box-sizing:border-box}
body{margin:0;background:var(--page);color:var(--ink);font:15px/1.5 system-ui,-apple-system,"Segoe UI",sans-serif}
main{max-width:1040px;margin:0 auto;padding:28px 20px 60px}
h1{font-size:26px;margin:0 0 2px}h2{font-size:18px;margin:0 0 10px}p{margin:0 0 12px;max-width:76ch}
.lead{color:var(--soft);margin-bottom:18px}
section{background:var(--card);border:1px solid var(--rule);border-radius:10px;padding:18px 20px;margin:0 0 18px}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(150px,1fr));gap:12px;margin:0 0 18px;padding:0}
.tiles div{background:var(--card);border:1px solid var(--rule);border-radius:10px;padding:12px 14px}
.tiles dt{color:var(--soft);font-size:13px}.tiles dd{margin:0;font-size:22px;font-weight:600}
.tiles dd small{display:block;font-size:12.5px;font-weight:400;color:var(--soft);line-height:1.35}
.scroll{overflow-x:auto;margin:0 0 12px}.scroll:focus-visible{outline:2px solid var(--a)}
table{border-collapse:collapse;width:100%;font-size:14px}
caption{text-align:left;color:var(--soft);font-size:13px;padding-bottom:6px}
th,td{padding:5px 10px 5px 0;text-align:left;vertical-align:top;border-bottom:1px solid var(--rule)}
thead th{color:var(--soft);font-weight:600;font-size:13px;white-space:nowrap}
tbody th{font-weight:500;min-width:9em}
.n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
.same{color:var(--soft)}code,.digest{font-family:ui-monospace,Menlo,Consolas,monospace;font-size:13px}
.digest{overflow-wrap:anywhere}
.nowrap{white-space:nowrap}
.bar{display:flex;height:12px;width:180px;margin-top:5px}.bar i{display:block;height:100%}
.legend{color:var(--soft);font-size:13px;display:flex;flex-wrap:wrap;gap:4px 18px;margin-top:6px}
.key{display:inline-block;width:12px;height:12px;border-radius:2px;margin-right:6px;vertical-align:-1px}
svg{width:100%;min-width:480px;height:auto;display:block}svg text{fill:var(--ink);font-size:12px;font-family:inherit}
svg .axis{fill:var(--soft)}svg .note{fill:var(--limit)}
.grid{stroke:var(--rule)}.base{stroke:var(--soft)}.limit{stroke:var(--limit);stroke-width:1.5;stroke-dasharray:5 3}
.curve{fill:none;stroke:var(--a);stroke-width:2}.point{fill:var(--a)}
rect.field,.key.field{fill:var(--a);background:var(--a)}rect.coupling,.key.coupling{fill:var(--b);background:var(--b)}
rect.lost,.key.lost{fill:var(--lost);background:var(--lost)}
.d1{background:var(--a)}.d2{background:var(--b)}.d3{background:var(--c)}.decision{background:var(--a)}
.slack{background:var(--b)}.auxiliary{background:var(--c)}.whole{background:var(--d)}
.graph line{stroke-opacity:.55}.graph .up{stroke:var(--b)}.graph .down{stroke:var(--d)}
.key.up{background:var(--b)}.key.down{background:var(--d)}
.w0{stroke-width:.8}.w1{stroke-width:2}.w2{stroke-width:3.6}
.graph circle,.graph rect{stroke:var(--ink);stroke-width:1}
svg text.node{font-size:9.5px;fill:var(--on0);pointer-events:none}svg text.node.strong{fill:var(--on5)}
.matrix{background:var(--card);outline:1px solid var(--rule)}.matrix path{stroke-width:1;fill:none}
.matrix .part{stroke:var(--limit);stroke-width:.7;stroke-opacity:.7}
@media print{body{background:#fff}section{break-inside:avoid}}
"""

SHADES = "".join(
    f".deg{i},.key.deg{i}{{fill:var(--deg{i});background:var(--deg{i})}}"
    f".shade{i}{{stroke:var(--deg{i})}}.key.shade{i}{{background:var(--deg{i})}}\n"
    for i in range(6)
)
