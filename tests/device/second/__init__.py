"""The tests' second device: `loom`, in C++, laid out as a vendor's distribution and taken by `import torch`.

`loom.cpp` is the device, with its faults; `torch_loom` its Python side; `building` makes a distribution of both. Nothing of
it is on the path of the tests themselves, since every import of torch would take it: what is to see it runs in a process
that begins with `Loom.environment`. The files `check_*.py` here are tests that run inside of such a process,
begun by `tests/test_second_device.py`; by hand it is

    python -m tests.device.second tests/device/second/check_seeds.py -k name
"""
