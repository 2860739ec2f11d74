# Only what serving needs: no torch, no pandas, no training.
FROM python:3.11-slim AS build
WORKDIR /build
RUN python -m venv /opt/venv
COPY serving.lock ./
RUN /opt/venv/bin/python -m pip install --no-cache-dir --require-hashes --only-binary :all: --requirement serving.lock
COPY pyproject.toml README.md ./
COPY contract contract
COPY service service
RUN /opt/venv/bin/python -m pip install --no-cache-dir --no-deps .

FROM python:3.11-slim
COPY --from=build /opt/venv /opt/venv
COPY artifacts /app/artifacts
WORKDIR /app
# nobody becomes another user in here
RUN find / -xdev -type f -perm /6000 -exec chmod a-s {} +
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    PHONE_PRICE_HOST=0.0.0.0
EXPOSE 8000
# by number, so that an orchestrator can see that it is not root
USER 10001:10001
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s \
    CMD ["python", "-c", "import os, urllib.request; from service.platform import platform_defaults; port = os.environ.get('PHONE_PRICE_PORT') or platform_defaults().get('port', 8000); urllib.request.urlopen(f'http://127.0.0.1:{port}/health/ready', timeout=2)"]
ENTRYPOINT ["python", "-m", "service"]
CMD ["serve"]
