# The page in a container: docs/installing.md tells how to build and run it.
FROM python:3.12-slim

# ffmpeg: sound while it is made, MP3, and recordings of browsers and phones.
RUN apt-get update \
    && apt-get install -y --no-install-recommends ffmpeg \
    && rm -rf /var/lib/apt/lists/*

WORKDIR /app
ENV PIP_NO_CACHE_DIR=1

# What is installed changes less often than the code, so it is a layer of its own.
# An empty TORCH_BUILD takes the PyTorch with CUDA.
ARG TORCH_BUILD=--cpu
COPY install.sh pyproject.toml requirements.txt requirements-nodeps.txt ./
RUN ./install.sh $TORCH_BUILD

COPY . .
RUN .venv/bin/python -m compileall -q app.py webui

# Nothing below /app can be changed by who runs the page; what is kept lies below /data.
RUN useradd --create-home --uid 1000 bark \
    && mkdir -p /data/models /data/speakers /data/outputs \
    && chown -R bark:bark /data
USER bark
ENV WEBUI_HOST=0.0.0.0 \
    WEBUI_PORT=7860 \
    WEBUI_MODELS_DIR=/data/models \
    WEBUI_SPEAKERS_DIR=/data/speakers \
    WEBUI_OUTPUTS_DIR=/data/outputs \
    WEBUI_DATA_DIR=/data/outputs/.state
VOLUME ["/data/models", "/data/speakers", "/data/outputs"]
EXPOSE 7860

HEALTHCHECK --start-period=60s --interval=30s --timeout=10s \
    CMD [".venv/bin/python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:7860/healthz', timeout=8)"]
ENTRYPOINT [".venv/bin/python", "app.py"]
