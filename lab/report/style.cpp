#include "lab/report/style.h"

#include <fmt/format.h>

#include <array>

#include "lab/plots/svg_plot.h"

namespace ohmic::lab {
namespace {

constexpr const char* kStyle = R"(
:root{color-scheme:light dark;--paper:#fff;--page:#f5f6f8;--ink:#1b1f24;--faint:#59626e;
--line:#dfe3e8;
--axis:#6b7480;--accent:#0b62a8;--raised:#eef2f6}
@media (prefers-color-scheme:dark){:root{--paper:#171b21;--page:#0f1216;--ink:#e7eaee;
--faint:#9da7b3;
--line:#2b323b;--axis:#8b95a1;--accent:#6db7f2;--raised:#1f252d}}
*{box-sizing:border-box}
html{scroll-behavior:smooth;scroll-padding-top:4rem;-webkit-text-size-adjust:100%}
@media (prefers-reduced-motion:reduce){html{scroll-behavior:auto}}
body{margin:0;background:var(--page);color:var(--ink);font:16px/1.55 system-ui,-apple-system,
"Segoe UI",
Roboto,"Noto Sans",sans-serif}
a{color:var(--accent)}
:focus-visible{outline:3px solid var(--accent);outline-offset:2px;border-radius:3px}
.skip{position:absolute;left:-999rem}
.skip:focus{left:1rem;top:.5rem;z-index:3;background:var(--paper);padding:.5rem 1rem}
header,main,footer,nav ul{max-width:72rem;margin:0 auto;padding:0 1.25rem}
header{padding-top:2.5rem;padding-bottom:1.5rem}
.kind{margin:0;color:var(--faint);font-size:.8rem;font-weight:600;letter-spacing:.08em;
text-transform:uppercase}
h1{margin:.1rem 0 .5rem;font-size:clamp(1.5rem,4vw,2.2rem);line-height:1.2;overflow-wrap:anywhere}
h2{margin:0 0 .25rem;font-size:1.35rem}
h3{margin:1.25rem 0 .25rem;font-size:1rem}
header p{margin:.25rem 0;color:var(--faint)}
code,pre{font:.85em/1.5 ui-monospace,SFMono-Regular,Menlo,Consolas,"Liberation Mono",monospace}
header code{color:var(--ink);overflow-wrap:anywhere}
nav{position:sticky;top:0;z-index:2;background:var(--page);border-bottom:1px solid var(--line)}
nav ul{display:flex;gap:.25rem 1.25rem;overflow-x:auto;list-style:none}
nav a{display:block;padding:.7rem 0;white-space:nowrap;text-decoration:none;font-size:.92rem}
nav a:hover{text-decoration:underline}
main{padding-top:1.5rem;padding-bottom:2rem}
section{margin:0 0 1.5rem;padding:1.5rem;background:var(--paper);border:1px solid var(--line);
border-radius:12px}
.note{max-width:46rem;margin:.1rem 0 1rem;color:var(--faint);font-size:.92rem}
.cards{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,9.5rem),1fr));
gap:1.25rem 1.75rem;margin:1rem 0 0}
.cards div{display:flex;flex-direction:column;border-left:3px solid var(--accent);
padding-left:.9rem;min-width:0}
.cards dt{color:var(--faint);font-size:.85rem}
.cards dd{margin:0}
.cards .value{font-size:1.6rem;font-weight:650;line-height:1.25;font-variant-numeric:tabular-nums;
overflow-wrap:anywhere}
.cards .long{font-size:.95rem;line-height:1.6}
.cards .about{color:var(--faint);font-size:.85rem}
.figures>div{min-width:0}
.figures{display:grid;align-items:start;grid-template-columns:repeat(auto-fit,minmax(min(100%,
26rem),1fr));gap:1.5rem}
figure{margin:0;min-width:0}
figure:only-child{grid-column:1/-1}
.figures h3:first-child{margin-top:.5rem}
figure svg{display:block;width:100%;max-width:36rem;height:auto;margin:0 auto;font-family:inherit}
figcaption{max-width:36rem;margin:.25rem auto 0;color:var(--faint);font-size:.88rem;
overflow-wrap:anywhere}
svg text:not([fill]){fill:var(--ink)}
svg [fill=white]{fill:var(--paper)}
svg [stroke="#ddd"]{stroke:var(--line)}
svg [stroke="#222"]{stroke:var(--ink)}
svg [stroke="#888"],svg [stroke="#333"]{stroke:var(--axis)}
svg .mark{cursor:pointer;outline-offset:1px}
svg circle.mark:hover,svg circle.mark:focus{stroke-width:5}
svg rect.mark:hover,svg rect.mark:focus{stroke:var(--ink);stroke-width:2}
svg:has(.series:hover) .series:not(:hover){opacity:.18}
#tip{position:fixed;z-index:4;max-width:20rem;padding:.35rem .6rem;border-radius:6px;
background:var(--ink);
color:var(--paper);font-size:.85rem;pointer-events:none}
.wide{overflow-x:auto;margin:.5rem 0 0}
table{border-collapse:collapse;font-size:.88rem;font-variant-numeric:tabular-nums}
th,td{padding:.35rem .55rem;border-bottom:1px solid var(--line);text-align:right;
white-space:nowrap}
thead th{white-space:normal;border-bottom:2px solid var(--axis);vertical-align:bottom}
.word{text-align:left}
.figures th,.figures td{padding:.35rem .36rem}
.figures .word{white-space:normal}
tbody tr:hover{background:var(--raised)}
th button{all:unset;cursor:pointer;font-weight:inherit}
th button:focus-visible{outline:3px solid var(--accent)}
th[aria-sort=ascending] button::after{content:" \2191"}
th[aria-sort=descending] button::after{content:" \2193"}
details{margin-top:.5rem}
details table{font-size:.82rem}
details th,details td{padding:.3rem .36rem}
summary{cursor:pointer;font-weight:600;padding:.25rem 0}
pre{margin:.5rem 0 0;padding:1rem;overflow-x:auto;background:var(--raised);border-radius:8px}
.facts{display:grid;grid-template-columns:max-content 1fr;gap:.25rem 1.5rem;margin:.5rem 0 0;
font-size:.92rem}
.facts dt{color:var(--faint)}
.facts dd{margin:0;overflow-wrap:anywhere}
footer{padding-bottom:2.5rem;color:var(--faint);font-size:.85rem}
@media (max-width:40rem){section{padding:1rem;border-radius:10px}header,main,footer,nav ul{
padding-left:1rem;
padding-right:1rem}.cards .value:not(.long){font-size:1.35rem}.facts{grid-template-columns:1fr}
.facts dd{margin-bottom:.5rem}}
@media print{:root{color-scheme:light;--paper:#fff;--page:#fff;--ink:#000;--faint:#444;
--line:#ccc;--axis:#555;
--accent:#000;--raised:#fff}body{font-size:10pt}nav,.skip,#tip{display:none}section{border:0;
padding:0;
margin-bottom:1.5rem}figure,tr,.cards div{break-inside:avoid}h2,h3{break-after:avoid}.figures{
grid-template-columns:1fr 1fr}
.cards{grid-template-columns:repeat(5,1fr);gap:.5rem}
.cards .value{font-size:12pt}.cards .long{font-size:8pt}.cards div{padding-left:.5rem}.wide{
overflow:visible}table{font-size:8pt}th,td{padding:.12rem .3rem}details table{font-size:6.5pt}
details th,details td{padding:.08rem .22rem}pre{white-space:pre-wrap;padding:0}
details::details-content{content-visibility:visible;height:auto}}
)";

constexpr const char* kScript = R"(
const tip = document.createElement('div');
tip.id = 'tip';
tip.setAttribute('role', 'tooltip');
tip.hidden = true;
document.body.append(tip);
let shown = null;
const hide = () => { tip.hidden = true; shown = null; };
const show = (mark) => {
  shown = mark;
  tip.textContent = mark.getAttribute('aria-label');
  tip.hidden = false;
  const at = mark.getBoundingClientRect(), own = tip.getBoundingClientRect();
  const left = at.left + at.width / 2 - own.width / 2;
  const most = document.documentElement.clientWidth - own.width - 4;
  tip.style.left = Math.max(4, Math.min(left, most)) + 'px';
  const above = at.top - own.height - 6;
  tip.style.top = (above < 4 ? at.bottom + 6 : above) + 'px';
};
for (const svg of document.querySelectorAll('figure svg')) {
  const name = svg.querySelector(':scope > title');
  svg.setAttribute('role', 'group');
  svg.setAttribute('aria-label', name.textContent + '; arrow keys go from point to point');
  name.remove();
  const marks = [...svg.querySelectorAll('.mark')];
  marks.forEach((mark, i) => {
    const words = mark.querySelector('title');
    mark.setAttribute('aria-label', words.textContent);
    words.remove();
    mark.setAttribute('role', 'img');
    mark.setAttribute('tabindex', i === 0 ? '0' : '-1');
    for (const event of ['mouseenter', 'focus']) mark.addEventListener(event, () => show(mark));
    for (const event of ['mouseleave', 'blur']) mark.addEventListener(event, hide);
    mark.addEventListener('keydown', (event) => {
      if (event.key === 'Escape') hide();
      const to = { ArrowRight: i + 1, ArrowDown: i + 1, ArrowLeft: i - 1, ArrowUp: i - 1, Home: 0,
        End: marks.length - 1 }[event.key];
      if (!marks[to]) return;
      event.preventDefault();
      mark.setAttribute('tabindex', '-1');
      marks[to].setAttribute('tabindex', '0');
      marks[to].focus();
    });
  });
}
// The keyboard brings a point into view by scrolling: its tooltip goes along.
addEventListener('scroll', () => {
  if (shown && shown === document.activeElement) show(shown); else hide();
}, { passive: true });
for (const table of document.querySelectorAll('table.sorts')) {
  const heads = [...table.tHead.rows[0].cells], body = table.tBodies[0];
  heads.forEach((head, column) => {
    const button = document.createElement('button');
    button.type = 'button';
    button.textContent = head.textContent;
    head.replaceChildren(button);
    button.addEventListener('click', () => {
      const down = head.getAttribute('aria-sort') !== 'descending';
      heads.forEach((other) => other.removeAttribute('aria-sort'));
      head.setAttribute('aria-sort', down ? 'descending' : 'ascending');
      const text = (row) => row.cells[column].textContent;
      body.append(...[...body.rows].sort((a, b) => {
        const x = parseFloat(text(a)), y = parseFloat(text(b));
        const order = isNaN(x) || isNaN(y) ? text(a).localeCompare(text(b)) : x - y;
        return down ? -order : order;
      }));
    });
  });
}
addEventListener('beforeprint', () => {
  for (const details of document.querySelectorAll('details')) details.open = true;
});
)";

/// The series' colours on the dark page, in the order of series_colours().
constexpr std::array<const char*, 8> kDarkColours{"#4a9fe0", "#f0803c", "#2fbf92", "#dd96bd",
                                                  "#f0b341", "#9ad4f5", "#e6e6e6", "#c29c33"};

}  // namespace

std::string report_style() {
  std::string dark;
  for (std::size_t i = 0; i < kDarkColours.size(); ++i)
    dark += fmt::format("svg [fill=\"{0}\"]{{fill:{1}}}svg [stroke=\"{0}\"]{{stroke:{1}}}\n",
                        series_colours()[i], kDarkColours[i]);
  return kStyle + ("@media screen and (prefers-color-scheme:dark){" + dark + "}\n");
}

std::string report_script() { return kScript; }

}  // namespace ohmic::lab
