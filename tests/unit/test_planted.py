"""Files that somebody else wrote: nothing in them runs, nothing outside their folder is touched, the file is named."""

import json
import os
import re
import shutil
import struct
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sppl.artifacts.journal import Journal
from sppl.artifacts.provenance import whole_zip, write_json
from sppl.artifacts.store import Store
from sppl.cli.jobs import jobs_in
from sppl.data.contents import read_contents
from sppl.data.files import LocalQuestions
from sppl.data.folder import data_files
from sppl.models.adapter import base_of
from sppl.models.chat import write_chat
from sppl.models.target import TargetModel
from sppl.names import NAME
from sppl.prompts import Template
from sppl.report.gallery import Gallery
from sppl.report.tables import write_csv
from sppl.schemas import UserError
from tests.conftest import ROOT

DEEP = "[" * 100_000
NAMES = [
    *(
        "..",
        ".",
        "../x",
        "a/b",
        "/etc/x",
        "a\\b",
        "",
        "x" * 121,
        "a\nb",
        "a\0b",
        "a b",
        "~",
        "-rf",
        "$(id)",
        "*",
        "a;b",
    ),
    *("gрt4", "ɡpt4", "gpt４", "gpt4\u200b", "é", "e\u0301", "C:x", "con:", "%2e%2e", "${x}", "{a,b}"),
]


@pytest.mark.parametrize("name", NAMES)
def test_a_name_that_leads_elsewhere_or_looks_like_another_is_none(name, tmp_path):
    assert not NAME.fullmatch(name)
    with pytest.raises(UserError, match="cannot be a name: use letters"):
        Store(str(tmp_path)).artifact_id("responses", name, settings={})


@pytest.fixture
def store(tmp_path) -> Store:
    return Store(str(tmp_path / "store"))


@pytest.fixture
def written(store):
    artifact = store.artifact_id("rewards", "lab", "r", settings={"a": 1})
    store.write(artifact, pd.DataFrame({"example_id": ["q"], "reward": [1.0]}), {}, 0.0)
    return artifact


@pytest.mark.parametrize(
    "text", [DEEP, "[]", '"x"', "{}", '{"settings": 1, "digest": []}', '{"a":' * 50_000, "\0", "NaN"]
)
def test_a_provenance_that_is_none_is_named(text, store, written):
    path = store.path(written)
    path.with_suffix(".json").write_text(text)
    with pytest.raises(UserError, match=r"rewards/lab/r-\w+\.parquet is broken.*Remove it"):
        store.read(store.open(written.name))


def test_a_provenance_of_other_settings_is_not_believed(store, written):
    path = store.path(written).with_suffix(".json")
    path.write_text(json.dumps(json.loads(path.read_text()) | {"settings": {"a": 2}}))
    with pytest.raises(UserError, match="tells other settings than its name"):
        store.open(written.name)


def test_a_link_in_the_store_that_leads_out_of_it_is_neither_read_nor_written(store, written, tmp_path):
    outside, path = tmp_path / "outside", store.path(written)
    outside.mkdir()
    shutil.move(path, outside / "x.parquet")
    path.symlink_to(outside / "x.parquet")
    with pytest.raises(UserError, match=r"leads to .*outside/x\.parquet, outside of the store"):
        store.read(written)
    for ending in (".parts", ".lock"):
        new = store.artifact_id("rewards", "lab", f"new{ending}", settings={})
        path.with_name(f"{new.name.rpartition('/')[2]}.parquet{ending}").symlink_to(outside / "made")
        with pytest.raises(UserError, match="outside of the store"), store.making(new):
            store.parts(new)
    (tmp_path / "store" / "scores").symlink_to(outside)
    with pytest.raises(UserError, match="outside of the store"):
        store.path(store.artifact_id("scores", "lab", "x", settings={}))
    assert [one.name for one in outside.iterdir()] == ["x.parquet"]


def test_the_store_itself_may_be_a_link(store, written, tmp_path):
    (tmp_path / "link").symlink_to(store.root)
    assert len(Store(str(tmp_path / "link")).read(written)) == 1


def test_a_journal_that_is_a_link_is_left_alone(tmp_path):
    (tmp_path / "profile").write_text("mine\n")
    (tmp_path / "gpt4.jsonl").symlink_to(tmp_path / "profile")
    for use in (lambda: Journal(tmp_path / "gpt4.jsonl").add("k", text="x"), Journal(tmp_path / "gpt4.jsonl").read):
        with pytest.raises(UserError, match=r"gpt4\.jsonl is a link to .*profile"):
            use()
    assert (tmp_path / "profile").read_text() == "mine\n"


def test_what_is_written_replaces_a_link_and_does_not_follow_it(tmp_path):
    mine, folder = tmp_path / "mine", tmp_path / "report"
    mine.write_text("mine")
    folder.mkdir()
    for name in ("costs.csv", f".costs.csv.{os.getpid()}.tmp", "facts.json", f".facts.json.{os.getpid()}.tmp"):
        (folder / name).symlink_to(mine)
    write_csv(folder, "costs", pd.DataFrame({"a": [1]}))
    write_json(folder / "facts.json", {"a": 1})
    assert (folder / "costs.csv").read_text() == "a\n1\n"
    assert json.loads((folder / "facts.json").read_text()) == {"a": 1}
    assert mine.read_text() == "mine"
    (folder / "plots").symlink_to(tmp_path)
    with pytest.raises(UserError, match="plots is a link"):
        Gallery(folder / "plots").figure("<svg></svg>", ("x",), label="x")


def test_a_link_in_a_folder_of_data_that_leads_out_of_it_is_refused_by_name(tmp_path):
    data, secret = tmp_path / "data", tmp_path / "secret.jsonl"
    data.mkdir()
    secret.write_text('{"question": "a", "response": "b", "gold_label": "1"}\n')
    (data / "gpt4.jsonl").symlink_to(secret)
    with pytest.raises(UserError, match=r"gpt4\.jsonl: it is a link to .*secret\.jsonl, outside of the folder"):
        LocalQuestions(str(data)).questions("train")
    (tmp_path / "link").symlink_to(data)
    (data / "gpt4.jsonl").unlink()
    shutil.copy(secret, data / "gpt4.jsonl")
    (data / "claude.jsonl").symlink_to("gpt4.jsonl")  # within the folder
    assert [path.name for path in data_files(str(tmp_path / "link"))] == ["claude.jsonl", "gpt4.jsonl"]


def test_a_small_parquet_file_of_more_rows_than_memory_is_not_unpacked(tmp_path, monkeypatch):
    path = tmp_path / "gpt4.parquet"
    pq.write_table(pa.table({"response": pa.array(np.zeros(10**6, "int8"))}), path, compression="zstd")
    assert path.stat().st_size < 10_000
    monkeypatch.setattr("psutil.virtual_memory", lambda: type("M", (), {"total": 10**6})())
    assert [str(one) for one in read_contents(path).problems] == [
        "gpt4.parquet: it unpacks to 0 GiB, more than this machine's memory"
    ]


def test_a_parquet_file_with_a_pickle_in_it_runs_nothing(tmp_path):
    class Bomb:
        def __reduce__(self):
            return Path.touch, (tmp_path / "proof",)

    import pickle

    facts = {b"ARROW:extension:name": b"arrow.py_extension_type", b"ARROW:extension:metadata": pickle.dumps(Bomb())}
    column = pa.field("response", pa.string(), metadata=facts)
    pq.write_table(pa.table([pa.array(["x"])], schema=pa.schema([column])), tmp_path / "gpt4.parquet")
    read_contents(tmp_path / "gpt4.parquet")
    pd.read_parquet(tmp_path / "gpt4.parquet")
    assert not (tmp_path / "proof").exists()


def test_an_archive_that_unpacks_to_more_than_it_is_counts_as_none(tmp_path):
    np.savez(tmp_path / "stored.npz", a=np.zeros(10))
    np.savez_compressed(tmp_path / "bomb.npz", a=np.zeros(10**6))
    assert whole_zip(tmp_path / "stored.npz")
    assert not whole_zip(tmp_path / "bomb.npz")
    with zipfile.ZipFile(tmp_path / "odd.npz", "w") as parts:
        parts.writestr("../../x.npy", b"x")
    shutil.copy(tmp_path / "odd.npz", tmp_path / "cut.npz")
    os.truncate(tmp_path / "cut.npz", 40)
    assert not whole_zip(tmp_path / "cut.npz")


@pytest.mark.parametrize(
    "text",
    [
        *(DEEP, '{"overrides": 5}', '{"overrides": [], "config": []}', '{"overrides": [], "artifacts": "x"}', "null"),
        *('{"overrides": [], "status": {"a": 1}}', '{"overrides": [], "folder": "/etc"}', "1e999"),
    ],
)
def test_a_record_of_a_job_that_is_none_is_named(text, tmp_path):
    (tmp_path / "job.json").write_text(text)
    with pytest.raises(UserError, match=r"job\.json is broken .*remove"):
        jobs_in(tmp_path, 0, frozenset())


RECORDS = {
    "a number without an end": '{"question": "a", "response": 1' + "0" * 5000 + "}",
    "an infinite number": '{"question": "a", "response": 1e999}',
    "no number": '{"question": "a", "response": -Infinity}',
    "half a character": '{"question": "a\\ud800", "response": "b"}',
    "a list": '{"question": ["a"], "response": "b"}',
    "nothing": "{}",
    "nests": '{"question": ' + "[" * 5000 + "]" * 5000 + "}",
    "the field twice": '{"question": "a", "question": "b", "response": "c"}',
    "a text that never ends": '{"question": "a',
    "bytes": "\x1f\x8b\x08\x00",
    "a target": '{"_target_": "os.system", "question": "a", "response": ""}',
}  # fmt: skip


@pytest.mark.parametrize("record", RECORDS.values(), ids=RECORDS)
def test_a_record_of_odd_values_is_refused_by_file_and_line(record, tmp_path):
    good = '{"question": "q", "response": "r", "gold_label": "1"}\n'
    (tmp_path / "gpt4.jsonl").write_bytes((good + record + "\n").encode("latin-1"))
    with pytest.raises(UserError, match=r"gpt4\.jsonl, line 2"):
        LocalQuestions(str(tmp_path)).questions("train")


@pytest.fixture(scope="module")
def tokenizer():
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(ROOT / "sppl" / "lab" / "checkpoint")


TEMPLATES = [
    "{{ cycler.__init__.__globals__.os.popen('touch PROOF').read() }}",
    "{{ messages.__class__.__mro__[1].__subclasses__() }}",
    "{{ ''.__class__.__base__.__subclasses__() }}",
    "{{ self.__init__.__globals__ }}",
    "{{ '{0.__class__.__init__.__globals__}'.format(raise_exception) }}",
    "{{ raise_exception.__globals__.__builtins__.open('PROOF', 'w') }}",
    "{{ strftime_now.__globals__ }}",
    "{{ lipsum.__globals__['os'].system('touch PROOF') }}",
    "{% include '/etc/passwd' %}",
    "{% import 'os' as os %}{{ os.system('touch PROOF') }}",
    "{{ messages.append({'role': 'x', 'content': 'y'}) }}",
    "{{ (messages | map(attribute='__class__') | first).mro() }}",
    "{% for i in range(10 ** 9) %}x{% endfor %}",
    "{{ 1 / 0 }}",
    "{{ 2.0 ** 99999 }}",
    "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}",
    "{{ [][5].x }}",
    "{{ 10 ** 400 * 1.0 }}",
]


@pytest.mark.parametrize("written", TEMPLATES)
def test_a_chat_template_reaches_nothing_and_fails_with_a_sentence(written, tokenizer, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(tokenizer, "chat_template", written)
    said = ""
    try:
        shown = write_chat(tokenizer, [{"role": "user", "content": "q"}], Template(), ask=True)
    except UserError as error:
        shown, said = "", str(error)
    assert shown == ""
    assert not said or re.match("the chat template of .* (cannot write|is no template)", said)
    assert list(tmp_path.iterdir()) == []


def safetensors(header: bytes, length: int | None = None, data: bytes = b"") -> bytes:
    return struct.pack("<Q", len(header) if length is None else length) + header + data


ENTRY = b'{"dtype":"F32","shape":[2],"data_offsets":[%d,%d]}'
WEIGHTS = {
    "a header without an end": safetensors(b"{}", 2**63),
    "a header longer than the file": safetensors(b"{}", 10**8),
    "a header that nests": safetensors(DEEP.encode()),
    "no header": b"",
    "offsets beyond the file": safetensors(b'{"a":' + ENTRY % (0, 2**40) + b"}"),
    "offsets before the file": safetensors(b'{"a":{"dtype":"F32","shape":[2],"data_offsets":[-8,0]}}', data=b"x" * 8),
    "overlapping tensors": safetensors(b'{"a":' + ENTRY % (0, 8) + b',"b":' + ENTRY % (4, 12) + b"}", data=b"x" * 12),
    "a shape without an end": safetensors(
        b'{"a":{"dtype":"F32","shape":[9223372036854775807,4],"data_offsets":[0,8]}}', data=b"x" * 8
    ),
    "a pickle": b"\x80\x04\x95" + b"x" * 100,
}


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("model") / "m"
    shutil.copytree(ROOT / "sppl" / "lab" / "checkpoint", folder)
    return folder


@pytest.mark.parametrize("raw", WEIGHTS.values(), ids=WEIGHTS)
def test_weights_that_are_none_are_refused_with_the_folder(raw, model):
    (model / "model.safetensors").write_bytes(raw)
    with pytest.raises(UserError, match=r"the target model cannot be loaded from .*/m'|no trained causal"):
        TargetModel("m", str(model)).load()


@pytest.mark.parametrize("text", ["[", "[]", DEEP, '{"base_model_name_or_path": ["x"]}', "5"])
def test_settings_of_an_adapter_that_are_none_are_named(text, tmp_path):
    (tmp_path / "adapter_config.json").write_text(text)
    with pytest.raises(UserError, match=r"adapter_config\.json (is broken|holds no settings)"):
        base_of(str(tmp_path), None)
