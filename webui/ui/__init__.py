"""The page, in Gradio: one module per tab, each given a Service."""
