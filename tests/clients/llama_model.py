"""Writes a model for llama.cpp that is as small as can be: one layer, a vocabulary of bytes, 300 kB.

    python llama_model.py FILE

Its numbers are random and tiny, but for those that say what follows a byte: after the end of a line comes `The quick`, letter
by letter, and then the end of the text. So its answers are known, although they are computed as those of any other model.
"""

import sys

import gguf
import numpy

SPEAKS = "The quick"  # no letter twice: what follows depends on the last byte alone
WIDTH, HEADS, INNER, CONTEXT = 288, 2, 64, 512
# How sure the model is of the next byte, and how little of the rest is heard.
SURE, NOISE = 4.0, 1e-4
UNKNOWN, BEGIN, END = 0, 1, 2
FIRST_BYTE = 3


def vocabulary(writer):
    tokens = ["<unk>", "<s>", "</s>"] + [f"<0x{byte:02X}>" for byte in range(256)]
    kinds = [gguf.TokenType.UNKNOWN, gguf.TokenType.CONTROL, gguf.TokenType.CONTROL] + [gguf.TokenType.BYTE] * 256
    writer.add_tokenizer_model("llama")
    writer.add_token_list(tokens)
    writer.add_token_scores([0.0] * len(tokens))
    writer.add_token_types(kinds)
    writer.add_unk_token_id(UNKNOWN)
    writer.add_bos_token_id(BEGIN)
    writer.add_eos_token_id(END)
    writer.add_add_space_prefix(False)
    return len(tokens)


def follows():
    """The token after each token: the first letter after everything that is none, then letter by letter."""
    letters = [FIRST_BYTE + byte for byte in SPEAKS.encode()]
    after = dict(zip(letters, letters[1:] + [END]))
    return lambda token: after.get(token, letters[0])


def write(path):
    some = numpy.random.default_rng(20261123)

    def noise(*shape):
        return (some.standard_normal(shape) * NOISE).astype(numpy.float32)

    writer = gguf.GGUFWriter(path, "llama")
    writer.add_name("tiny")
    writer.add_context_length(CONTEXT)
    writer.add_embedding_length(WIDTH)
    writer.add_block_count(1)
    writer.add_feed_forward_length(INNER)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(HEADS)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_dimension_count(WIDTH // HEADS)
    count = vocabulary(writer)
    writer.add_vocab_size(count)

    said, heard, after = noise(count, WIDTH), noise(count, WIDTH), follows()
    for token in range(count):
        heard[token, token] += 1.0
        said[after(token), token] += SURE
    ones = numpy.ones(WIDTH, dtype=numpy.float32)
    tensors = {
        "token_embd": heard, "output_norm": ones, "output": said,
        "blk.0.attn_norm": ones, "blk.0.attn_q": noise(WIDTH, WIDTH), "blk.0.attn_k": noise(WIDTH, WIDTH),
        "blk.0.attn_v": noise(WIDTH, WIDTH), "blk.0.attn_output": noise(WIDTH, WIDTH), "blk.0.ffn_norm": ones,
        "blk.0.ffn_gate": noise(INNER, WIDTH), "blk.0.ffn_up": noise(INNER, WIDTH), "blk.0.ffn_down": noise(WIDTH, INNER),
    }
    for name, tensor in tensors.items():
        writer.add_tensor(f"{name}.weight", tensor)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


if __name__ == "__main__":
    write(sys.argv[1])
