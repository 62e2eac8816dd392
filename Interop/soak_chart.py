# SPDX-License-Identifier: Apache-2.0
"""A soak's record as a picture."""
import statistics


def chart(record, path):
    """Memory (mean and most), descriptors (most) and each fetch, over time, as one SVG."""
    width, height, left, gap = 900, 170, 60, 46
    rows = [(when, list(rows.values())) for when, rows in record["samples"] if rows]
    span = max([1] + [when for when, _ in rows])
    parts = []

    def panel(number, title, series, points=()):
        top = 30 + number * (height + gap)
        most = max([y for _, values in series for _, y in values] + [y for _, y in points] + [1]) * 1.1
        place = lambda x, y: (left + x / span * width, top + height - y / most * height)  # noqa: E731
        parts.append(f'<text x="{left}" y="{top - 8}" font-weight="bold">{title}</text>')
        for step in range(5):
            y = most * step / 4
            level = place(0, y)[1]
            parts.append(f'<line x1="{left}" x2="{left + width}" y1="{level:.1f}" y2="{level:.1f}" stroke="#ddd"/>'
                         f'<text x="{left - 6}" y="{level + 4:.1f}" text-anchor="end">{y:.4g}</text>')
        for minute in range(0, int(span / 60) + 1, max(1, int(span / 600))):
            x = place(minute * 60, 0)[0]
            parts.append(f'<text x="{x:.1f}" y="{top + height + 14}" text-anchor="middle">{minute}</text>')
        for colour, values in series:
            parts.append(f'<polyline fill="none" stroke="{colour}" stroke-width="1.5" points="' + " ".join("%.1f,%.1f" % place(*value) for value in values) + '"/>')
        for point in points:
            parts.append('<circle cx="%.1f" cy="%.1f" r="2" fill="#07a"/>' % place(*point))

    panel(0, "resident memory, MiB: mean and most of the nodes that stay, most of those that come and go (green); minutes below",
          [("#07a", [(when, statistics.fmean(row[0] for row in values)) for when, values in rows]),
           ("#c40", [(when, max(row[0] for row in values)) for when, values in rows]),
           ("#4a4", [(when, max(row[0] for row in come.values())) for when, come in record.get("churned", []) if come])])
    panel(1, "descriptors: mean and most", [("#07a", [(when, statistics.fmean(row[1] for row in values)) for when, values in rows]),
                                            ("#c40", [(when, max(row[1] for row in values)) for when, values in rows])])
    panel(2, "fetches, seconds each", [], [(when, seconds) for when, seconds, *_ in record["fetches"]])
    path.parent.mkdir(parents=True, exist_ok=True)
    size = f'width="{left + width + 20}" height="{30 + 3 * (height + gap)}"'
    path.write_text(f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="sans-serif" font-size="11"><rect {size} fill="white"/>'
                    + "\n".join(parts) + "</svg>\n")
