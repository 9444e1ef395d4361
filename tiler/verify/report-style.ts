/** How the HTML report looks: by day, by night, and on paper. */
import { Markup } from './markup.ts';

const DAY = `
  --page: #ffffff; --ink: #16202a; --soft: #55636f; --line: #d5dce2; --card: #f5f7f9;
  --good: #12704f; --bad: #b3261e; --note: #7a5200;
  --c0: #dbe8f4; --c1: #a9cbe8; --c2: #6aa5d8; --c3: #2a6cae; --c4: #f0983f; --c5: #b3261e;`;
const NIGHT = `
  --page: #10161c; --ink: #e8eef3; --soft: #a3b1bd; --line: #2f3b46; --card: #18212a;
  --good: #66d9a8; --bad: #ff8a7d; --note: #ffc46b;
  --c0: #17344d; --c1: #245680; --c2: #3b83bd; --c3: #86c1ee; --c4: #f3a35a; --c5: #ff5f4b;`;

export const REPORT_STYLE = new Markup(`
:root { color-scheme: light dark; ${DAY} }
@media (prefers-color-scheme: dark) { :root { ${NIGHT} } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 2rem 1.25rem 4rem; max-width: 78rem; background: var(--page); color: var(--ink);
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "Helvetica Neue", sans-serif; }
h1 { margin: 0 0 .25rem; font-size: 1.9rem; line-height: 1.2; text-wrap: balance; }
h2 { margin: 2.5rem 0 .5rem; font-size: 1.25rem; }
h3 { margin: 0; font-size: 1rem; }
p { margin: .25rem 0 .75rem; max-width: 46rem; }
code, .path { font: .92em ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; overflow-wrap: anywhere; }
.soft { color: var(--soft); }
.good { color: var(--good); } .bad { color: var(--bad); } .note { color: var(--note); }
.verdict { border-left: .4rem solid currentColor; padding-left: 1rem; }
.verdict p { color: var(--ink); margin-bottom: 0; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .25rem 1.25rem; margin: .5rem 0; }
dt { color: var(--soft); } dd { margin: 0; overflow-wrap: anywhere; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: .9rem; font-variant-numeric: tabular-nums; }
th, td { padding: .25rem .45rem; text-align: right; border-bottom: 1px solid var(--line); white-space: nowrap; }
th { color: var(--soft); font-weight: 500; vertical-align: bottom; }
thead tr:first-child th[colspan] { text-align: left; border-bottom: none; padding-bottom: 0; color: var(--ink); }
.group { border-left: 1px solid var(--line); }
td.left, th.left { text-align: left; }
td.words { white-space: normal; text-align: left; min-width: 18rem; width: 100%; }
td.bad { font-weight: 600; }
.plots { display: grid; grid-template-columns: repeat(auto-fill, minmax(15.5rem, 1fr)); gap: 1rem; margin-top: .75rem; }
figure { margin: 0; padding: .75rem; background: var(--card); border-radius: .5rem; break-inside: avoid; }
figcaption { display: flex; flex-wrap: wrap; justify-content: space-between; gap: .5rem; margin-bottom: .4rem; }
svg { display: block; width: 100%; height: auto; }
svg text { fill: var(--soft); font: 10px system-ui, sans-serif; }
.axis { stroke: var(--line); fill: none; } .limit { stroke: var(--ink); stroke-dasharray: 3 2; fill: none; }
.k0 { fill: var(--c0); } .k1 { fill: var(--c1); } .k2 { fill: var(--c2); } .k3 { fill: var(--c3); }
.k4 { fill: var(--c4); } .k5 { fill: var(--c5); }
.line { fill: none; stroke: var(--c3); stroke-width: 1.2; opacity: .6; } .dot { stroke: none; }
.cross { stroke: var(--bad); stroke-width: 1.6; fill: none; } .cross.note { stroke: var(--note); }
.frame { fill: none; stroke: var(--soft); }
.key { display: flex; flex-wrap: wrap; gap: .25rem 1rem; color: var(--soft); padding: 0; list-style: none; }
.key i { display: inline-block; width: .9em; height: .9em; margin-right: .4em; vertical-align: -.1em; border-radius: 2px; }
.finding { margin: 1rem 0; padding: 1rem; background: var(--card); border-radius: .5rem; }
.finding header { display: flex; flex-wrap: wrap; gap: .25rem .75rem; align-items: baseline; }
.finding p { margin: .35rem 0; }
.tag { font-size: .8rem; border: 1px solid currentColor; border-radius: 1rem; padding: 0 .6rem; }
footer { margin-top: 3rem; color: var(--soft); font-size: .9rem; }
@media (max-width: 40rem) { dl { grid-template-columns: 1fr; gap: 0; } dd { margin-bottom: .5rem; } }
@media print {
  :root { color-scheme: light; ${DAY} }
  @page { margin: 14mm; }
  body { max-width: none; padding: 0; font-size: 9.5pt; print-color-adjust: exact; -webkit-print-color-adjust: exact; }
  .wide { overflow: visible; } th, td { padding: .1rem .3rem; font-size: 7.5pt; }
  td.words { min-width: 0; } tr, .finding { break-inside: avoid; } h2, h3 { break-after: avoid; }
  .plots { grid-template-columns: repeat(3, 1fr); }
}
`);
