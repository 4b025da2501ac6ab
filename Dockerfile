# One image for every part of the service; the command decides which. For GPUs build with
#   --build-arg TORCH_INDEX=https://download.pytorch.org/whl/cu130
FROM python:3.11-slim-bookworm AS built
ARG TORCH_INDEX=https://download.pytorch.org/whl/cpu
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /src
COPY pyproject.toml README.md LICENSE ./
COPY avatar avatar
COPY workers workers
COPY styles styles
RUN python -m venv /venv && /venv/bin/pip install --extra-index-url "$TORCH_INDEX" '.[worker,service]'

FROM python:3.11-slim-bookworm
# Its own user; nothing in the image can be written by it. State, keys and scratch are mounted.
RUN useradd --uid 10001 --no-create-home --home-dir /nonexistent avatar \
 && install -d -o avatar -g avatar -m 700 /state /keys /weights
COPY --from=built /venv /venv
ENV PATH=/venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 \
    AVATAR_STATE=/state AVATAR_KEYS=/keys/jobs AVATAR_SEALING_KEY=/keys/sealing/sealing.key AVATAR_WEIGHTS=/weights \
    ORT_DISABLE_TELEMETRY=1 HF_HUB_DISABLE_TELEMETRY=1 DO_NOT_TRACK=1 \
    GLIBC_TUNABLES=glibc.malloc.perturb=170:glibc.malloc.tcache_count=0 PYTHONMALLOC=malloc
# The last line: memory that is freed is overwritten at once, so that no pixel of a person stays in a worker.
USER avatar
EXPOSE 8000
CMD ["uvicorn", "--factory", "avatar.web.main:made", "--host", "0.0.0.0", "--port", "8000", "--no-server-header"]
