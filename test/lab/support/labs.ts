/** Two hosts behind a route reflector, on each a pod of both kinds. */
export const MIXED_LAB = `
name: mixed
nodes:
  host[1-2]: {}
  rr1: { kind: route-reflector, labels: { route-reflector: "true" } }
pods:
  linux-[1-2]: { kind: linux }
  emulated-[1-2]: { kind: emulated }
calico:
  - apiVersion: projectcalico.org/v3
    kind: BGPConfiguration
    metadata: { name: default }
    spec: { nodeToNodeMeshEnabled: false }
  - apiVersion: projectcalico.org/v3
    kind: BGPPeer
    metadata: { name: reflector }
    spec: { nodeSelector: all(), peerSelector: route-reflector == 'true' }
`;
