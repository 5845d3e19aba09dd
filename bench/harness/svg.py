"""Bar charts as SVG, drawn here so that the report needs no plotting library."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape

COLOURS = {"gateway": "#1b6ca8", "peer": "#9aa5b1", "floor": "#c9b458", "missing": "#e4e7eb"}
WIDTH, BAR, GAP, LEFT, RIGHT, TOP = 760, 20, 6, 190, 110, 64


@dataclass
class Bar:
    label: str
    value: float
    kind: str  # a key of COLOURS
    low: float | None = None
    high: float | None = None


def bar_chart(title: str, unit: str, bars: list[Bar], goal: float | None = None,
              hint: str = "less is better") -> str:
    """Horizontal bars in the order given, whiskers from low to high, a dashed line at the goal."""
    longest = max([bar.high or bar.value for bar in bars] + [goal or 0]) or 1
    scale = (WIDTH - LEFT - RIGHT) / longest
    height = TOP + len(bars) * (BAR + GAP) + 24
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" '
        f'width="{WIDTH}" height="{height}" font-family="sans-serif" font-size="12">',
        f'<rect width="{WIDTH}" height="{height}" fill="white"/>',
        f'<text x="16" y="26" font-size="16" font-weight="bold">{escape(title)}</text>',
        f'<text x="16" y="46" fill="#52606d">{escape(unit)}; {escape(hint)}</text>',
    ]
    for index, bar in enumerate(bars):
        parts += _bar(bar, TOP + index * (BAR + GAP), scale)
    if goal is not None:
        x = LEFT + goal * scale
        parts.append(f'<line x1="{x:.1f}" y1="{TOP - 6}" x2="{x:.1f}" y2="{height - 22}" '
                     'stroke="#c2410c" stroke-dasharray="5 3"/>')
        parts.append(f'<text x="{x:.1f}" y="{height - 8}" text-anchor="middle" fill="#c2410c">'
                     f'goal {number(goal)}</text>')
    return "\n".join([*parts, "</svg>", ""])


def _bar(bar: Bar, y: int, scale: float) -> list[str]:
    middle = y + BAR / 2
    end = LEFT + bar.value * scale
    text_at = max(end, LEFT + (bar.high or 0) * scale) + 6
    parts = [
        f'<text x="{LEFT - 8}" y="{middle + 4:.1f}" text-anchor="end">{escape(bar.label)}</text>',
        f'<rect x="{LEFT}" y="{y}" width="{max(bar.value * scale, 0):.1f}" height="{BAR}" '
        f'fill="{COLOURS[bar.kind]}"/>',
        f'<text x="{text_at:.1f}" y="{middle + 4:.1f}">{number(bar.value)}</text>',
    ]
    if bar.low is not None and bar.high is not None:
        low, high = LEFT + bar.low * scale, LEFT + bar.high * scale
        parts.append(f'<line x1="{low:.1f}" y1="{middle}" x2="{high:.1f}" y2="{middle}" '
                     'stroke="#323f4b"/>')
    return parts


def number(value: float) -> str:
    """Three significant digits, thousands separated."""
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"
