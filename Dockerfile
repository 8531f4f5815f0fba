# ecc with all that it needs:
#
#   docker build -t ecc .
#   docker run --rm -v "$PWD:/src" ecc sigsnoop.bpf.c
#
# scripts/image/build.mjs makes the same image without a Docker daemon.
FROM debian:trixie-slim AS system
COPY scripts/image/packages /tmp/packages
RUN apt-get update \
	&& xargs -a /tmp/packages apt-get install -y --no-install-recommends \
	&& rm -rf /var/lib/apt/lists/* /tmp/packages

FROM node:20-trixie-slim AS package
WORKDIR /build
COPY package.json package-lock.json .npmrc ./
RUN npm ci
COPY . .
RUN node scripts/build.mjs \
	&& npm pack --silent --pack-destination /tmp \
	&& npm install --silent --omit=dev --prefix /opt/ecc /tmp/ebpf-ecc-*.tgz

FROM system
COPY --from=package /opt/ecc/node_modules /opt/ecc/node_modules
COPY scripts/image/entrypoint.sh /usr/bin/ecc-entrypoint
RUN ln -s /opt/ecc/node_modules/ebpf-ecc/bin/ecc.js /usr/bin/ecc
ENV ECC_CACHE_DIR=/tmp/ecc-cache
WORKDIR /src
ENTRYPOINT ["/usr/bin/ecc-entrypoint"]
CMD ["--help"]
