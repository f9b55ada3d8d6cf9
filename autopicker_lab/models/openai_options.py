"""Names of the chat options that an OpenAI-compatible server may be sent; a model's `allow` adds to them.

Others are left out: some name what no caller should reach (a chat template, a slot of the server's cache), some
override what was checked (another limit of the answer's length), and some servers refuse whatever they do not know.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from autopicker_lab.core import ModelSpec

_EVERYTHING = "*"
_TOLD = 5  # names in a warning
_OPENAI = frozenset(
    {
        "audio",
        "frequency_penalty",
        "function_call",
        "functions",
        "logit_bias",
        "logprobs",
        "max_completion_tokens",
        "max_tokens",
        "metadata",
        "modalities",
        "n",
        "parallel_tool_calls",
        "prediction",
        "presence_penalty",
        "prompt_cache_key",
        "prompt_cache_retention",
        "reasoning_effort",
        "response_format",
        "safety_identifier",
        "seed",
        "service_tier",
        "stop",
        "store",
        "stream_options",
        "temperature",
        "tool_choice",
        "tools",
        "top_logprobs",
        "top_p",
        "user",
        "verbosity",
        "web_search_options",
    }
)
_EXTENSIONS = frozenset(  # of vLLM, SGLang, llama.cpp, OpenRouter, Mistral, Gemini, Qwen, xAI and others
    {
        "add_generation_prompt",
        "allowed_token_ids",
        "bad_words",
        "cache_control",
        "cached_content",
        "chat_template_kwargs",
        "continue_final_message",
        "documents",
        "enable_thinking",
        "extra",
        "extra_body",
        "google",
        "ignore_eos",
        "include_reasoning",
        "include_stop_str_in_output",
        "length_penalty",
        "min_p",
        "min_tokens",
        "mm_processor_kwargs",
        "plugins",
        "prompt_mode",
        "provider",
        "random_seed",
        "repeat_penalty",
        "repetition_penalty",
        "return_images",
        "safe_prompt",
        "search_domain_filter",
        "search_parameters",
        "separate_reasoning",
        "skip_special_tokens",
        "spaces_between_special_tokens",
        "stop_token_ids",
        "stream_reasoning",
        "structured_outputs",
        "thinking",
        "thinking_budget",
        "top_a",
        "top_k",
        "transforms",
        "truncate_prompt_tokens",
        "typical_p",
        "web_search",
    }
)
_PREFIXES = ("guided_", "reasoning")
_KNOWN = _OPENAI | _EXTENSIONS


def is_sent(name: str, spec: ModelSpec) -> bool:
    """Whether the server of a model is sent an option of this name."""
    if name in spec.drop:
        return False
    return name in _KNOWN or name.startswith(_PREFIXES) or name in spec.allow or _EVERYTHING in spec.allow


def left_out_warning(options: Mapping[str, Any], spec: ModelSpec) -> str:
    """A sentence on the options of a request that a model's server is not sent; "" where it is sent all."""
    names = [name[:40] for name, value in options.items() if value is not None and not is_sent(name, spec)]
    if not names:
        return ""
    more = f" and {len(names) - _TOLD} more" if len(names) > _TOLD else ""
    return f"'{spec.id}' was not sent {', '.join(names[:_TOLD])}{more}: its entry in the catalogue does not allow that"
