r"""Options of OpenVINO's back end of `torch.compile` that a recipe file may give.

    pip install openvino
    run-recipe recipes/affine.yaml --forward backend=openvino \
        'backend.options={config: {INFERENCE_PRECISION_HINT: f32}}'
    run-recipe my_recipe.yaml --ops examples/openvino_options.py --forward

The command line gives any option without this file; it is for recipes that name them. Left out are those that name
folders (`cache_dir`, `model_caching`, `config.CACHE_DIR`) and those that are Python objects (`decompositions`).
`aot_autograd: true` holds for the process from then on, as OpenVINO 2026.4 keeps the options in a variable of its own.
"""

from __future__ import annotations

from tensorflow_free import register_backend_options

register_backend_options(
    "openvino",
    {
        "device": ("CPU", "GPU", "NPU"),
        "aot_autograd": bool,
        # OpenVINO takes single ops, too, which it leaves to PyTorch otherwise
        "testing": bool,
        "config": {
            "INFERENCE_PRECISION_HINT": ("f32", "f16", "bf16"),
            "EXECUTION_MODE_HINT": ("ACCURACY", "PERFORMANCE"),
            "PERFORMANCE_HINT": ("LATENCY", "THROUGHPUT", "CUMULATIVE_THROUGHPUT"),
            "INFERENCE_NUM_THREADS": range(1, 1025),
        },
    },
)
