# Built by the hosted workflow (.github/workflows/ci.yml).
FROM python:3.11-slim
WORKDIR /vaebench
COPY pyproject.toml setup.py constraints.txt environment.yml README.md Snakefile config.yaml ./
COPY workflow workflow
COPY configs configs
COPY profiles profiles
COPY vaebench vaebench
RUN pip install --no-cache-dir --constraint constraints.txt .
WORKDIR /work
ENTRYPOINT ["vaebench"]
