"""networkit, without the libraries that it can draw with.

Where matplotlib, networkx, scikit-learn and IPython are installed, networkit imports them with itself. That takes 3.4 s
of CPU instead of .23 (measured on a busy machine), and nothing here draws.
"""

from graphsvc.imports import hide_modules

with hide_modules("matplotlib", "matplotlib.pyplot", "networkx", "sklearn", "seaborn", "IPython"):
    import networkit  # type: ignore[import-untyped]
    from networkit.community import PLM, PLP, ParallelLeiden  # type: ignore[import-untyped]

__all__ = ["PLM", "PLP", "ParallelLeiden", "networkit"]
