# One Holdfast server. Three of them behind a proxy: docker compose up. What to know about either: docs/deployment.md.

FROM python:3.13-slim-trixie AS packages

COPY requirements.lock /
# Wheels only, each with its hash: nothing is built here, and whatever index or mirror a file comes from, it is the same.
RUN python -m venv --without-pip /opt/holdfast \
    && python -m pip --python /opt/holdfast/bin/python install --no-cache-dir --no-input --disable-pip-version-check \
        --only-binary :all: --require-hashes --requirement /requirements.lock


FROM python:3.13-slim-trixie

# A Chromium without windows, letters for Chinese and Latin pages, and an init: Chromium leaves processes behind that
# somebody has to reap, and signals have to reach the server. What apt leaves behind goes in the same layer.
RUN apt-get update \
    && DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends \
        chromium-headless-shell fonts-liberation fonts-noto-cjk tini \
    && apt-get clean \
    && rm -rf /var/lib/apt/lists/* /var/cache/apt/*.bin /var/cache/debconf/*-old /var/log/apt /var/log/*.log

# The number is fixed, so that the files on a volume belong to the same user in every image.
RUN groupadd --gid 10001 holdfast \
    && useradd --uid 10001 --gid 10001 --no-log-init --no-create-home --home-dir /tmp --shell /usr/sbin/nologin holdfast \
    && install --directory --owner=10001 --group=10001 /app/data /app/data/tasks /app/data/library

COPY --from=packages /opt/holdfast /opt/holdfast
COPY deploy/holdfast deploy/healthy /usr/local/bin/
COPY static /app/static
COPY docs /app/docs
COPY server /app/server
RUN python -m compileall -q /app/server

# A container is reached from outside itself or not at all, so the server listens on every address of it; and as there
# are no users yet, whoever reaches the port is the one user. Publish the port on loopback, or behind something that
# asks who is there: docs/security.md.
ENV HOST=0.0.0.0 \
    PORT=8000 \
    ALLOW_ANONYMOUS=1 \
    TASK_STORAGE_DIR=/app/data/tasks \
    LIBRARY_DIR=/app/data/library \
    BROWSER_PATH=/usr/bin/chromium-headless-shell \
    HOME=/tmp \
    PATH=/opt/holdfast/bin:/usr/local/bin:/usr/bin:/bin \
    PYTHONPATH=/app \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1

WORKDIR /app
USER 10001:10001
VOLUME /app/data
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=5s --timeout=5s --start-period=30s --retries=3 CMD ["healthy"]
ENTRYPOINT ["tini", "--", "holdfast"]
CMD ["serve"]

ARG VERSION=0 REVISION=unknown
LABEL org.opencontainers.image.title="Holdfast" \
    org.opencontainers.image.description="A server for work that takes minutes to hours: the same request is one task, and nothing of it is ever lost." \
    org.opencontainers.image.documentation="docs/index.md" \
    org.opencontainers.image.version="$VERSION" \
    org.opencontainers.image.revision="$REVISION"
