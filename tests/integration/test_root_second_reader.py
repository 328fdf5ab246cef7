"""Our ROOT files, read by jsroot: a second reader, where node finds it (NODE_PATH)."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from histogrammer.axes import Axis
from histogrammer.spectra import kind_of
from histogrammer.spectrumfiles.rootformat import write_root
from histogrammer.spectrumfiles.saved import Saved

pytest.importorskip("uproot")
SCRIPT = Path(__file__).resolve().parents[1] / "support" / "read_root.cjs"
NODE = shutil.which("node")


def has_jsroot() -> bool:
    if NODE is None:
        return False
    looked = subprocess.run([NODE, "-e", "require.resolve('jsroot')"], capture_output=True)
    return looked.returncode == 0


@pytest.mark.skipif(not has_jsroot(), reason="node does not find jsroot")
@pytest.mark.parametrize("bins", [1, 4, 100_000])
def test_histograms_are_read_with_axes_titles_and_flow(tmp_path: Path, bins: int) -> None:
    rng = np.random.default_rng(bins)
    flat = kind_of("1").define("h e", [["det.e"]], [Axis(-5.0, 15.0, bins)])
    plane = kind_of("2").define("h2", [["e"], ["de"]], [Axis(0, 8, 4), Axis(-1, 2, 3)])
    saved = [
        Saved(one, rng.integers(0, 1000, one.shape).astype(np.float64)) for one in (flat, plane)
    ]
    path = tmp_path / "spectra.root"
    path.write_bytes(write_root(saved))
    assert NODE is not None
    told = subprocess.run(
        [NODE, str(SCRIPT), str(path)], capture_output=True, text=True, timeout=120
    )
    assert told.returncode == 0, told.stderr
    found = json.loads(told.stdout)
    assert found.keys() == {"h e", "h2"}
    one, two = found["h e"], found["h2"]
    assert (one["class"], one["title"]) == ("TH1D", "h e")
    assert one["axes"] == [["det.e", bins, -5.0, 15.0]]
    assert one["cells"] == saved[0].cells.tolist()
    assert one["entries"] == saved[0].cells.sum()
    inside = saved[0].cells[1:-1]
    centres = -5.0 + 20.0 * (np.arange(bins) + 0.5) / bins
    sums = [inside.sum(), inside @ centres, inside @ centres**2]
    assert one["sums"] == pytest.approx(sums)
    assert two["axes"] == [["e", 4, 0.0, 8.0], ["de", 3, -1.0, 2.0]]
    assert two["cells"] == saved[1].cells.ravel().tolist()  # x runs fastest
