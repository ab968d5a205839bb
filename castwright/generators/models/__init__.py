"""The models behind the generators: one small interface, distilabel's `AsyncLLM`, three implementations.

A recipe's `model:` block (`config`) says which; `load.make_llm` builds it. What every one of them promises is
in `answer`: a call never raises for a row, its failure is data. Only what would fail for every row raises
`ModelError`. Submodules are imported by name, so that importing this package stays free of torch,
transformers and openai. (Rejected: distilabel's own `OpenAILLM`, whose one failed call loses a whole batch.)
"""
