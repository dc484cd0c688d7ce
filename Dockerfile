# podwire's one image: node agents, route reflectors, the store and the pods of a compose lab all run from it.
# It needs no BuildKit feature, so `docker build` works with the classic builder too.
ARG BASE_IMAGE=node:26-bookworm-slim
FROM ${BASE_IMAGE}

# ip and ping serve people inside a pod. A plain copy of ping, without file capabilities or setuid bit, starts under any
# capability set and uses the unprivileged ICMP socket that Docker allows in a container's own network namespace.
RUN apt-get update \
 && apt-get install --yes --no-install-recommends iproute2 iputils-ping \
 && install -m 755 /bin/ping /tmp/ping && mv /tmp/ping /bin/ping \
 && rm -rf /var/lib/apt/lists/* /var/cache/apt/* /var/log/apt /var/log/dpkg.log

# The sockets' folders belong to podwire, and a volume mounted there for the first time takes over owner and mode.
# The group may use the sockets: a pod runs as root without the power to ignore file permissions, in this group.
RUN groupadd --gid 10001 podwire \
 && useradd --uid 10001 --gid podwire --no-create-home --home-dir /opt/podwire --shell /usr/sbin/nologin podwire \
 && install -d -o podwire -g podwire -m 2770 /run/podwire /run/podwire-pods \
 && install -d -o podwire -g podwire -m 755 /var/cache/podwire \
 && ln -s /opt/podwire/bin/podwire.mjs /usr/local/bin/podwire

WORKDIR /opt/podwire

# The Node packages are optional dependencies for machines with an older Node; this image is Node 26. koffi's binaries are
# optional dependencies too and stay, so --omit=optional is no way.
COPY package.json package-lock.json .npmrc ./
RUN npm ci --omit=dev --ignore-scripts \
 && rm -rf node_modules/node-linux-* node_modules/.bin/node "$HOME/.npm" \
 && node --input-type=module --eval "import 'koffi'"

COPY bin ./bin
COPY protocol ./protocol
COPY agents ./agents
COPY lab ./lab
# A checkout under a strict umask has files that only their owner may read.
RUN chmod -R a+rX bin protocol agents lab package.json

# Node strips the types from the source as it loads it; the cache, filled here, spares that at every start. Each user has
# an own one: agents run as podwire, pods as root.
ENV NODE_ENV=production NODE_COMPILE_CACHE=/var/cache/podwire
RUN podwire --help >/dev/null && node --eval "import('/opt/podwire/agents/pod/socket-pod.ts')"
USER podwire
RUN podwire --help >/dev/null \
 && for module in process control/client store/redis store/http-server pod/socket; do \
      node --eval "import('/opt/podwire/agents/$module.ts')" || exit 1; \
    done \
 && for module in file/load runtime/container-plan runtime/resources; do \
      node --eval "import('/opt/podwire/lab/$module.ts')" || exit 1; \
    done

ENTRYPOINT ["podwire"]
CMD ["--help"]
