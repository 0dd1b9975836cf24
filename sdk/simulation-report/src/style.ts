/** Of the page. Wide tables and pictures scroll by themselves on narrow screens. */
export const style = `
body { font: 15px/1.5 Inter, system-ui, sans-serif; color: #1b1f24; background: #fff; max-width: 1000px; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.7rem; margin-bottom: .5rem; }
h2 { font-size: 1.2rem; margin: 2.2rem 0 .6rem; }
a { color: #0a53a8; }
.seeds { padding: .5rem .8rem; border-left: 4px solid #59636e; background: #f3f5f7; margin: .4rem 0; }
.seeds.test { border-color: #006b4d; background: #eef8f3; }
.seeds.training { border-color: #9a5b00; background: #fff6e5; }
.table, .drawing { overflow-x: auto; margin: .6rem 0; }
.drawing svg { display: block; max-width: 100%; height: auto; min-width: 640px; }
table { border-collapse: collapse; font-size: .92em; font-variant-numeric: tabular-nums; }
th, td { padding: .3rem .6rem; text-align: right; border-bottom: 1px solid #d9dee3; white-space: nowrap; }
th { font-weight: 600; color: #59636e; white-space: normal; vertical-align: bottom; }
th:first-child, td:first-child { text-align: left; padding-left: .4rem; }
tr.lost td { background: #fff0ee; }
tr.lost td:first-child, section.lost h2, .loss { color: #a40e26; }
.loss { margin: .2rem 0; }
@media print { section { break-inside: avoid; } }
`;
