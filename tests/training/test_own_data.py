"""Folders of images, tables, models and rules of users: trained, predicted, evaluated, reported."""

import contextlib
import csv
import json
import os
import tracemalloc
from html.parser import HTMLParser

import numpy as np
import pytest
from PIL import Image

import minigrad as mg
from minigrad.cli import main
from minigrad.training import load_run
from minigrad.training.data.preparation import Preparation, read_pixels
from minigrad.training.data.tables import TableError, encode, read_table
from minigrad.vision.datasets import Digits

MODULE = """
import minigrad as mg
from minigrad import nn, optim

class Net(nn.Module):
    def __init__(self, in_channels, num_classes):
        super().__init__()
        self.conv = nn.Conv2d(in_channels, 8, 3, padding=1)
        self.head = nn.Linear(8, num_classes)

    def forward(self, x):
        return self.head(mg.relu(self.conv(x)).amax((2, 3)))

def wrong():
    return nn.Sequential(nn.Flatten(), nn.Linear(768, 7))

class Rule(optim.AdamW):
    pass
"""


@pytest.fixture(autouse=True)
def no_pictures(monkeypatch):
    """Without matplotlib, whose pictures take seconds; tests/cli has them."""
    monkeypatch.setattr("minigrad.training.run.plotting_available", lambda: False)


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    """40 pictures of horizontal and vertical stripes, of several sizes."""
    folder = tmp_path_factory.mktemp("images")
    random = np.random.default_rng(0)
    for name in ("across", "down"):
        (folder / name).mkdir()
        for i in range(20):
            height, width = random.integers(20, 40, 2)
            pixels = random.integers(0, 60, (height, width, 3), dtype=np.uint8)
            stripes = pixels[::4] if name == "across" else pixels[:, ::4]
            stripes += 190
            Image.fromarray(pixels).save(folder / name / f"{i:02}.png")
    return folder


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    path = tmp_path_factory.mktemp("table") / "people.csv"
    random = np.random.default_rng(0)
    rows = [["age", "town", "income", "buys"]]
    for _ in range(200):
        age, town = random.integers(18, 90), random.choice(["Ulm", "Bonn", ""])
        income = 1000 + 30 * age + (500 if town == "Ulm" else 0)
        buys = "yes" if income > 2700 else "no"
        rows.append(["" if random.random() < 0.05 else age, town, income, buys])
    with path.open("w", newline="") as file:
        csv.writer(file).writerows(rows)
    return path


def train(folder, *arguments):
    return main(["train", "--quiet", "--out", str(folder), *map(str, arguments)])


def test_a_folder_of_images(images, tmp_path, capsys):
    run = tmp_path / "run"
    options = ["--image-size", "16", "--epochs", "12", "--lr", "0.01", "--batch-size", "8"]
    assert train(run, "--data", images, *options, "--augment", "flip", "--workers", "1") == 0
    score = float(capsys.readouterr().out.split()[-1].rstrip("%"))
    assert score >= 75
    trained = load_run(run)
    assert trained.classes == ["across", "down"]
    assert trained.preprocess(images / "down" / "00.png").shape == (3, 16, 16)
    assert main(["evaluate", str(run)]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == f"test accuracy: {score:.2f}%"
    assert main(["predict", str(run), str(images)]) == 0
    rows = list(csv.reader(capsys.readouterr().out.splitlines()))
    assert rows[0] == ["file", "label", "probability", "label2", "probability2"]
    right = sum(os.path.basename(os.path.dirname(row[0])) == row[1] for row in rows[1:])
    assert len(rows) == 41
    assert right >= 30
    (tmp_path / "broken.png").write_bytes(b"no image")
    assert main(["predict", str(run), str(tmp_path / "broken.png"), str(images)]) == 1
    assert "broken.png" in capsys.readouterr().err
    one = trained.predict([images / "down" / "00.png"])[0]
    assert sum(one.probabilities.values()) == pytest.approx(1)
    assert one.label == max(one.probabilities, key=one.probabilities.get)


def test_validation_in_a_folder_of_its_own(images, tmp_path, capsys):
    for part in ("train", "val"):
        (tmp_path / part).mkdir()
        for name in ("across", "down"):
            (tmp_path / part / name).symlink_to(images / name)
    assert main(["train", "--data", str(tmp_path), "--epochs", "1", "--model", "linear"]) == 0
    assert "40 training and 40 test images" in capsys.readouterr().out


def test_digits_of_files_are_recognised_as_those_of_the_data(tmp_path, capsys):
    """What bare ToTensor() makes of them gives 10 %."""
    assert train(tmp_path / "run", "--epochs", "4") == 0
    score = float(capsys.readouterr().out.split()[-1].rstrip("%")) / 100
    digits = Digits(train=False)
    for i in range(100):
        pixels = np.minimum(np.asarray(digits.data[i]).astype(np.int64) * 255 // 16, 255)
        Image.fromarray(pixels.astype(np.uint8)).save(tmp_path / f"{i:03}.png")
    found = load_run(tmp_path / "run").predict(sorted(tmp_path.glob("*.png")))
    right = np.mean([p.label == str(digits.targets[i].item()) for i, p in enumerate(found)])
    assert right > 0.9
    assert score > 0.9


def test_a_table_of_classes(table, tmp_path, capsys):
    run = tmp_path / "run"
    assert train(run, "--data", table, "--target", "buys", "--lr", "0.01") == 0
    score = float(capsys.readouterr().out.split()[-1].rstrip("%"))
    assert score > 85
    assert main(["predict", str(run), str(table), "--csv", str(tmp_path / "p.csv")]) == 0
    rows = list(csv.DictReader((tmp_path / "p.csv").read_text().splitlines()))
    truth = [row["buys"] for row in csv.DictReader(table.read_text().splitlines())]
    assert np.mean([r["label"] == t for r, t in zip(rows, truth, strict=True)]) > 0.85
    assert float(rows[0]["yes"]) + float(rows[0]["no"]) == pytest.approx(1, abs=1e-5)
    assert main(["evaluate", str(run)]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == f"test accuracy: {score:.2f}%"


def test_a_table_of_numbers(table, tmp_path, capsys):
    columns = read_table(table)
    numbers = {n: np.array(c, dtype=object).astype(str) if isinstance(c, list) else c
               for n, c in columns.items() if n != "buys"}  # fmt: skip
    np.savez(tmp_path / "people.npz", **numbers)
    options = ["--target", "income", "--lr", "0.01", "--epochs", "40"]
    assert train(tmp_path / "run", "--data", tmp_path / "people.npz", *options) == 0
    history = json.loads((tmp_path / "run" / "history.json").read_text())
    assert history["test_r2"] > 0.8
    trained = load_run(tmp_path / "run")
    value = trained.predict({"age": np.array([40.0]), "town": ["Ulm"]})[0].value
    assert value == pytest.approx(2700, abs=400)
    assert trained.predict({"age": [40], "town": ["Ulm"]})[0].value == value
    with pytest.raises(ValueError, match="path of a file, or a dictionary of columns; got list"):
        trained.predict([40, "Ulm"])
    with pytest.raises(ValueError, match="column 'town' is missing; there are age"):
        trained.predict({"age": [40]})
    assert repr(trained) == "<TrainedRun: MLP of tables, regression>"
    assert main(["evaluate", str(tmp_path / "run")]) == 0
    assert "test rmse: " in capsys.readouterr().out


def test_a_parquet_file_is_read_as_csv(table, tmp_path):
    pandas = pytest.importorskip("pandas", reason="the extra tables is not installed")
    pytest.importorskip("pyarrow", reason="the extra tables is not installed")
    pandas.read_csv(table).to_parquet(tmp_path / "people.parquet")
    given, read = read_table(table), read_table(tmp_path / "people.parquet")
    assert list(given) == list(read)
    assert given["town"] == read["town"]
    np.testing.assert_array_equal(given["age"], read["age"])


def test_models_and_rules_of_users(images, tmp_path, capsys):
    module = tmp_path / "mine.py"
    module.write_text(MODULE)
    options = ["--data", images, "--image-size", "16", "--epochs", "2", "--batch-size", "8"]
    own = ["--model", f"{module}:Net", "--optimizer", f"{module}:Rule"]
    assert train(tmp_path / "run", *options, *own) == 0
    assert load_run(tmp_path / "run").model.head.weight.shape == (2, 8)
    assert (tmp_path / "run" / "model.py").read_text() == MODULE
    module.write_text(MODULE + "\n")
    with pytest.raises(ValueError, match=r"has changed since; a copy is .*model.py"):
        load_run(tmp_path / "run")
    assert load_run(tmp_path / "run", run_code=True).classes == ["across", "down"]
    capsys.readouterr()
    resumed = ["--out", str(tmp_path / "run"), "--resume", "--epochs", "3"]
    assert main(["train", *resumed]) == 2
    assert "has changed since the run began" in capsys.readouterr().err
    assert main(["train", *map(str, options), "--model", f"{module}:wrong"]) == 2
    assert "expected scores of shape [8, 2]" in capsys.readouterr().err
    assert main(["train", *map(str, options), "--model", f"{module}:Nets"]) == 2
    assert "no class or function 'Nets'; it has Net, wrong, Rule" in capsys.readouterr().err


def test_a_log_of_epochs(tmp_path):
    options = ["--model", "linear", "--batch-size", "256", "--log", "csv"]
    assert train(tmp_path, *options, "--epochs", "2") == 0
    assert main(["train", "--quiet", "--out", str(tmp_path), "--resume", "--epochs", "3"]) == 0
    rows = list(csv.DictReader((tmp_path / "epochs.csv").read_text().splitlines()))
    assert [row["number"] for row in rows] == ["1", "2", "3"]


def test_a_learning_rate_is_found(capsys):
    assert main(["train", "--model", "mlp", "--find-lr"]) == 0
    last = capsys.readouterr().out.splitlines()[-1]
    assert last.startswith("suggested: --lr ")
    assert 1e-4 < float(last.split()[-1]) < 1


class Page(HTMLParser):
    """The tags of a page, and what it refers to."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.sources, self.open = [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.sources += [v for n, v in attributes if n in ("src", "href", "data")]
        if tag not in ("meta", "img", "br", "line", "circle", "polyline", "i"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        if tag in self.open:
            assert self.open.pop() == tag


def test_a_report_of_several_runs(table, tmp_path, capsys):
    runs = []
    for name, options in {
        "digits": ["--model", "linear", "--epochs", "1"],
        "<b>table": ["--data", table, "--target", "buys", "--epochs", "1"],
        "income": ["--data", table, "--target", "income", "--epochs", "1"],
    }.items():
        assert train(tmp_path / name, *options) == 0
        runs.append(str(tmp_path / name))
    assert main(["report", *runs, "--html", str(tmp_path / "all.html")]) == 0
    text = (tmp_path / "all.html").read_text()
    page = Page(text)
    assert not page.open
    assert all(source.startswith("data:") for source in page.sources)
    assert "<b>" not in text
    assert page.tags.count("svg") >= 5
    assert "script" not in page.tags
    assert main(["report", str(tmp_path)]) == 2
    assert "history.json" in capsys.readouterr().err


TABLES = {
    "no rows": ("a,b\n", "a line of names, and lines of values"),
    "rows of different lengths": ("a,b\n1,2\n3\n", "line 3 has 1 values"),
    "names twice": ("a,a\n1,2\n", "should differ"),
    "no text": (b"a,b\n\xff\xfe,1\n", "no CSV file"),
    "one class": ("a,b\n" + "1,x\n" * 9, "the target has 1 classes"),
    "a missing target": ("a,b\n" + "1,x\n2,y\n" * 9 + "3,\n", "the target of row 19 is missing"),
    "few rows": ("a,b\n1,x\n2,y\n", "at least 5 are needed"),
    "only the target": ("b\nx\ny\n" * 1 + "x\ny\n" * 9, "no column but the target"),
    "words among numbers": (
        "a,b\n" + "".join(f"{i},x\n" for i in range(150)) + "many,y\n",
        "make it numbers; 'many' in row 151 is none",
    ),
    "another target": ("a,c\n1,2\n", "no column 'b' for --target; there are a, c"),
}


@pytest.mark.parametrize(("content", "reported"), TABLES.values(), ids=TABLES)
def test_tables_that_cannot_be_learnt(content, reported, tmp_path, capsys):
    path = tmp_path / "t.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    assert main(["train", "--data", str(path), "--target", "b"]) == 2
    assert reported in capsys.readouterr().err


def test_words_for_missing_numbers(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("size,land,empty\n1.5,NA,-\nNA,DE,none\n 2 ,,\n?,FR,NA\n")
    columns = read_table(path)
    np.testing.assert_array_equal(columns["size"], [1.5, np.nan, 2.0, np.nan])
    assert columns["land"] == ["NA", "DE", "", "FR"]
    assert columns["empty"] == ["-", "none", "", "NA"]


def test_columns_become_numbers():
    columns = {"n": np.array([1.0, np.nan, 3.0]), "t": ["a", "b", "?"]}
    described = [{"name": "n", "mean": 2.0, "std": 1.0}, {"name": "t", "values": ["a", "b"]}]
    assert encode(columns, described).tolist() == [[-1, 1, 0], [0, 0, 1], [1, 0, 0]]
    with pytest.raises(TableError, match="column 't' is missing"):
        encode({"n": columns["n"]}, described)


def test_folders_that_cannot_be_learnt(images, tmp_path, capsys):
    assert main(["train", "--data", str(tmp_path)]) == 2
    assert "one for each class" in capsys.readouterr().err
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        for i in range(3):
            Image.new("L", (9, 9)).save(tmp_path / name / f"{i}.png")
    (tmp_path / "b" / "2.png").write_bytes(b"no image")
    assert main(["train", "--data", str(tmp_path)]) == 2
    assert "2.png cannot be read as an image" in capsys.readouterr().err


def test_images_are_turned_as_the_camera_says(tmp_path):
    image = Image.new("RGB", (4, 8))
    exif = image.getexif()
    exif[0x0112] = 6
    image.save(tmp_path / "a.jpg", exif=exif)
    assert read_pixels(tmp_path / "a.jpg", 3, None).shape == (4, 8, 3)
    assert mg.Size(read_pixels(tmp_path / "a.jpg", 1, 4).shape) == (4, 4)


def _half_clear(mode):
    """Black, of which the right half cannot be seen."""
    image = Image.new("RGBA", (4, 2))
    image.paste((0, 0, 0, 255), (0, 0, 2, 2))
    if mode == "P":
        image = image.quantize(2)
        image.info["transparency"] = image.getpixel((3, 0))
        return image
    return image.convert(mode)


HALF = [0, 0, 255, 255]
GREY16 = np.array([[0, 32768 - 129, 257 * 200, 65535]] * 2, np.uint16)
SHOWN = {
    "opacity": (lambda: _half_clear("RGBA"), HALF),
    "grey with opacity": (lambda: _half_clear("LA"), HALF),
    "a clear colour of a palette": (lambda: _half_clear("P"), HALF),
    "16 bits": (lambda: Image.fromarray(GREY16), [0, 127, 200, 255]),
    "black and white": (lambda: Image.fromarray(np.array([HALF] * 2, np.uint8)).convert("1"), HALF),
}


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize(("make", "expected"), SHOWN.values(), ids=SHOWN)
def test_images_are_read_as_a_viewer_shows_them(make, expected, channels, tmp_path):
    make().save(tmp_path / "a.png")
    shown = np.array([expected] * 2)
    found = read_pixels(tmp_path / "a.png", channels, None)
    assert found.tolist() == (shown if channels == 1 else np.stack([shown] * 3, 2)).tolist()
    description = {"size": 2, "channels": channels, "mean": [0.0] * channels, "std": [1] * channels}
    prepare = Preparation(description)
    with Image.open(tmp_path / "a.png") as image:
        assert prepare(image).tolist() == prepare(tmp_path / "a.png").tolist()


def test_a_forged_length_takes_no_memory(tmp_path):
    """Of a chunk of 4 GB in a PNG file of 90 bytes."""
    Image.new("RGB", (10, 10)).save(tmp_path / "a.png")
    content = (tmp_path / "a.png").read_bytes()
    at = content.index(b"IDAT") - 4
    (tmp_path / "a.png").write_bytes(content[:at] + b"\xff" + content[at + 1 :])
    tracemalloc.start()
    with contextlib.suppress(ValueError):
        read_pixels(tmp_path / "a.png", 3, 8)
    assert tracemalloc.get_traced_memory()[1] < 1 << 26
    tracemalloc.stop()


def test_pixels_without_a_known_white_are_refused(tmp_path):
    Image.new("F", (4, 4), 0.5).save(tmp_path / "a.tif")
    with pytest.raises(ValueError, match=r"a\.tif cannot be read .*32 bits.*save it with 8 or 16"):
        read_pixels(tmp_path / "a.tif", 1, None)


@pytest.mark.parametrize("shape", [(3, 8, 8), (8, 8, 2), (8,), (1, 8, 8, 3)])
def test_arrays_that_are_no_pixels_are_refused(shape):
    prepare = Preparation({"size": 8, "channels": 3, "mean": [0.0] * 3, "std": [1.0] * 3})
    with pytest.raises(TypeError, match=r"pixels \(H, W\) or \(H, W, 3\) of uint8, got uint8 of"):
        prepare(np.zeros(shape, np.uint8))
    for good in ((8, 8, 3), (8, 8), (8, 8, 1), (8, 8, 4), (1, 9, 3)):
        assert prepare(np.zeros(good, np.uint8)).shape == (3, 8, 8)


def test_tables_as_programs_write_them(tmp_path):
    """With ; and a decimal comma, with tabs, with words for what is missing."""
    files = {
        "a.csv": "n,m,t\n1.5,NA,x\n2,4e3,1_0\n",
        "b.csv": "n;m;t\r\n1,5;null;x\r\n2;4e3;1_0\r\n",
        "c.csv": "\ufeffn\tm\tt\n1.5\t\tx\n2\t4e3\t1_0\n",
    }
    for name, text in files.items():
        (tmp_path / name).write_text(text, encoding="utf-8", newline="")
        found = read_table(tmp_path / name)
        assert found.pop("t") == ["x", "1_0"]
        expected = {"n": [1.5, 2.0], "m": [np.nan, 4000.0]}
        np.testing.assert_equal({k: v.tolist() for k, v in found.items()}, expected)


def test_large_numbers_are_different_classes(tmp_path):
    rows = [f"{i},{12345670 + i % 3}" for i in range(30)]
    (tmp_path / "t.csv").write_text("\n".join(["x,y", *rows]))
    options = ["--data", tmp_path / "t.csv", "--target", "y", "--epochs", 1, "--model", "linear"]
    assert train(tmp_path / "run", *options) == 0
    assert load_run(tmp_path / "run").classes == ["12345670", "12345671", "12345672"]
