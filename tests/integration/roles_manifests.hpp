// SPDX-License-Identifier: Apache-2.0
// What the story of the roles declares in Git. NOTE, VERSION and STEPS are filled in.
#pragma once

namespace sluice::shell::roles_test {

constexpr const char* rollout_yaml = R"(
apiVersion: argoproj.io/v1alpha1
kind: Rollout
metadata: {name: web}
spec:
  replicas: 2
  revisionHistoryLimit: 0
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: c, image: "shop:VERSION"}]}
  analysis: {successfulRunHistoryLimit: 0, unsuccessfulRunHistoryLimit: 0}
  strategy:
    canary:
      canaryService: web-canary
      stableService: web-stable
      canaryMetadata: {labels: {role: canary}}
      stableMetadata: {labels: {role: stable}}
      trafficRouting:
        nginx: {stableIngress: web}
        istio:
          virtualService: {name: web}
          destinationRule: {name: web, canarySubsetName: canary, stableSubsetName: stable}
      steps: STEPS
)";

constexpr const char* others_yaml = R"(
apiVersion: v1
kind: Service
metadata: {name: web-stable, labels: {note: NOTE}}
spec: {selector: {app: web}, ports: [{port: 80}]}
---
apiVersion: v1
kind: Service
metadata: {name: web-canary}
spec: {selector: {app: web}, ports: [{port: 80}]}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: web, labels: {note: NOTE}}
spec:
  ingressClassName: nginx
  rules:
  - host: web.test
    http:
      paths:
      - {path: /, pathType: Prefix, backend: {service: {name: web-stable, port: {number: 80}}}}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: web, labels: {note: NOTE}}
spec:
  hosts: [web.test]
  http:
  - route:
    - {destination: {host: web, subset: stable}, weight: 100}
    - {destination: {host: web, subset: canary}, weight: 0}
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: web, labels: {note: NOTE}}
spec:
  host: web
  subsets: [{name: stable, labels: {app: web}}, {name: canary, labels: {app: web}}]
)";

constexpr const char* templates_yaml = R"(
apiVersion: v1
kind: ConfigMap
metadata: {name: settings, labels: {note: NOTE}}
data: {a: b}
---
apiVersion: argoproj.io/v1alpha1
kind: AnalysisTemplate
metadata: {name: gate, labels: {note: NOTE}}
spec:
  args: [{name: token, valueFrom: {secretKeyRef: {name: gate, key: token}}}]
  metrics:
  - name: up
    successCondition: result[0] >= 1
    provider:
      prometheus: {address: PROMETHEUS, query: "vector(0) unless up{token='{{args.token}}'}"}
---
apiVersion: argoproj.io/v1alpha1
kind: ClusterAnalysisTemplate
metadata: {name: everywhere, labels: {note: NOTE}}
spec:
  metrics: [{name: up, provider: {prometheus: {query: up}}}]
)";

// Its pods never serve, so that its Delivery stays open.
constexpr const char* seen_yaml = R"(
apiVersion: argoproj.io/v1alpha1
kind: Rollout
metadata: {name: seen, namespace: shop, annotations: {sluice.dev/git-source: watched}}
spec:
  replicas: 1
  selector: {matchLabels: {app: seen}}
  template:
    metadata: {labels: {app: seen}, annotations: {sluice.dev/simulate: never-ready}}
    spec: {containers: [{name: c, image: "shop:v1"}]}
  strategy: {canary: {steps: [{setWeight: 50}]}}
)";

}  // namespace sluice::shell::roles_test
