"""Benchmark notebooks to test with."""


def small(folder, value):
    """A benchmark that takes a second."""
    import nbformat  # takes seconds to load

    parameters = "times = 2  # how often\nrate = 1.5  # a number\non = True  # a switch\nout = ''  # folder\n"
    call = f"save_figures({{'speed': times * {value}, 'on': on}}, out)"
    cells = [
        nbformat.v4.new_code_cell(parameters, metadata={"tags": ["parameters"]}),
        nbformat.v4.new_code_cell(f"from autopicker_lab.benchmark import save_figures\n{call}"),
    ]
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=kernel), folder / "small.ipynb")
    return folder / "small.ipynb"
