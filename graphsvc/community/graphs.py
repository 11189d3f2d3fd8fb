"""networkit, without the libraries that it can draw with.

Where matplotlib, networkx, scikit-learn and IPython are installed, networkit imports them with itself. That takes 3.4 s
of CPU instead of .23 (measured on a busy machine), and nothing here draws.
"""

import sys

_DRAWING = ("matplotlib", "matplotlib.pyplot", "networkx", "sklearn", "seaborn", "IPython")

# An entry of None makes `import` raise ImportError, for which networkit is prepared: to it these are optional.
_hidden = [name for name in _DRAWING if name not in sys.modules]
sys.modules.update(dict.fromkeys(_hidden))  # type: ignore[arg-type]
try:
    import networkit  # type: ignore[import-untyped]
    from networkit.community import PLM, PLP, ParallelLeiden  # type: ignore[import-untyped]
finally:
    for _name in _hidden:
        del sys.modules[_name]

__all__ = ["PLM", "PLP", "ParallelLeiden", "networkit"]
