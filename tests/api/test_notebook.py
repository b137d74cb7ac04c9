"""A notebook is run, and shows the page of a result."""

import pytest

nbclient = pytest.importorskip("nbclient")
nbformat = pytest.importorskip("nbformat")


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_a_notebook_shows_the_page_and_prints_the_text():
    cells = ["import diagnose\nfrom torch import nn\ncount = diagnose.count_parameters(nn.Linear(784, 10))\ncount"]
    cells += ["print(count)"]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    nbclient.NotebookClient(notebook, timeout=300, kernel_name="python3").execute()
    shown = next(output["data"] for output in notebook.cells[0].outputs if "data" in output)
    assert shown["text/html"].startswith("<iframe sandbox srcdoc=")
    assert "7,850 parameters" in shown["text/html"]
    assert shown["text/plain"].startswith("<ParameterCount: Linear (a module of yours) has 7,850 parameters")
    streams = [output["text"] for output in notebook.cells[1].outputs if output["output_type"] == "stream"]
    assert "7,850 parameters" in "".join(streams), notebook.cells[1].outputs
