/** Width of every chart, as wide as a column of text. */
export const WIDTH = 760;

const STYLE = `
  text { font: 13px system-ui, -apple-system, 'Segoe UI', sans-serif; fill: #1f2328 }
  .title { font-weight: 600 } .quiet { fill: #59636e; font-size: 12px } .end { text-anchor: end } .middle { text-anchor: middle }
  .ours { fill: #2563eb } .theirs { fill: #9aa4af } .goal { stroke: #c2410c; stroke-width: 2; stroke-dasharray: 3 2 }
  .goal-text { fill: #c2410c; font-size: 12px } .line { fill: none; stroke: #2563eb; stroke-width: 2 }
  .spread { stroke: #1f2328; stroke-width: 1.5 } .band { fill: #2563eb; opacity: .18 } .grid { stroke: #d1d9e0 }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3 } .quiet { fill: #9198a1 } .ours { fill: #5b8def } .theirs { fill: #6b7480 }
    .goal { stroke: #fb923c } .goal-text { fill: #fb923c } .line { stroke: #5b8def } .spread { stroke: #e6edf3 }
    .band { fill: #5b8def } .grid { stroke: #30363d }
  }`;

/** A whole drawing. `label` is for those who cannot see it. It has no ground of its own: the page's shows through. */
export function drawing(height: number, label: string, content: readonly string[]): string {
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img" aria-label="${escapeXml(label)}">
<style>${STYLE}
</style>
${content.join('\n')}
</svg>
`;
}

export function text(x: number, y: number, content: string, kind = ''): string {
  return `<text x="${round(x)}" y="${round(y)}"${kind === '' ? '' : ` class="${kind}"`}>${escapeXml(content)}</text>`;
}

export function line(kind: string, x1: number, y1: number, x2: number, y2: number): string {
  return `<line class="${kind}" x1="${round(x1)}" y1="${round(y1)}" x2="${round(x2)}" y2="${round(y2)}"/>`;
}

export function rect(kind: string, x: number, y: number, width: number, height: number): string {
  return `<rect class="${kind}" x="${round(x)}" y="${round(y)}" width="${round(width)}" height="${round(height)}" rx="2"/>`;
}

/** Steps of an axis from 0 to at least `max`, about so many, all of them round. */
export function ticks(max: number, about: number): number[] {
  const raw = max / about;
  const magnitude = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].map((factor) => factor * magnitude).find((step) => step >= raw)!;
  return Array.from({ length: Math.ceil(max / step - 1e-9) + 1 }, (_, i) => i * step);
}

/** A measured value, in as many digits as say something: 0.010, 5.7, 250, 10 000. */
export function figure(value: number): string {
  if (value >= 1000) return String(Math.round(value)).replace(/\B(?=(\d{3})+$)/g, ' ');
  return value === 0 ? '0' : value.toPrecision(value >= 100 ? 3 : 2);
}

/** A mark of an axis, without zeros at its end. */
export function mark(value: number): string {
  return value >= 1000 ? figure(value) : String(Number(value.toPrecision(3)));
}

export function round(value: number): number {
  return Math.round(value * 10) / 10;
}

function escapeXml(content: string): string {
  return content.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);
}
