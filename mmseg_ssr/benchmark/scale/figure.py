"""Growth of time and memory, drawn over the growth of what they should follow."""
import io
from typing import Dict, Tuple

from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullLocator

#: Name of a point -> how many times the first point's (size, seconds, memory) it has.
Growth = Dict[str, Tuple[float, float, float]]


def growth_figure(size: str, growth: Growth) -> bytes:
    """Draw growth as SVG, with a dashed line that grows as the size does.

    Args:
        size: what the axis of sizes shows.
        growth: at least one point.
    """
    figure = Figure(figsize=(4.8, 3.6), layout='constrained')
    axes = figure.subplots()
    sizes, *values = zip(*growth.values())
    axes.plot(sizes, sizes, '--', color='#7f7f7f', linewidth=1, label='as the size')
    for name, grown in zip(('time', 'memory'), values):
        axes.plot(sizes, grown, marker='.', label=name)
    axes.set(xscale='log', yscale='log', xlabel=f'{size}, this / first', ylabel='this / first')
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axis.set_minor_locator(NullLocator())
        axis.set_major_formatter('{x:g}')
    for name, (x, seconds, _) in growth.items():
        axes.annotate(name, (x, seconds), fontsize=8, textcoords='offset points', xytext=(0, -12),
                      ha='center', parse_math=False)
    axes.margins(0.12)
    axes.legend(frameon=False)
    axes.grid(alpha=0.3)
    file = io.BytesIO()
    figure.savefig(file, format='svg', metadata=dict(Date=None, Creator=None))
    return file.getvalue()
