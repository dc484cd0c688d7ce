/** The routes that the target advertises on a connection, and all that it said about them. */
import { Route, type RouteEvent } from './route.ts';
import type { ReadUpdate } from './wire/read.ts';

export class AdvertisedRoutes {
  /** Everything that was said about routes, in order. */
  readonly history: RouteEvent[] = [];
  readonly #routes = new Map<string, Route>();

  /** Takes an UPDATE: what is withdrawn goes, then what is announced comes (RFC 4271 §4.3). */
  take(update: ReadUpdate, asnOctets: 2 | 4): void {
    const at = performance.now();
    for (const { prefix, pathId } of update.withdrawn) {
      this.#routes.delete(routeKey(prefix, pathId));
      this.history.push({ at, what: 'withdrawn', prefix, pathId });
    }
    for (const nlri of update.announced) {
      const { prefix, pathId } = nlri;
      const route = new Route(nlri, update.attributes, asnOctets);
      this.#routes.set(routeKey(prefix, pathId), route);
      this.history.push({ at, what: 'announced', prefix, pathId, route });
    }
  }

  /** What is advertised for a prefix now; several only with ADD-PATH. */
  to(prefix: string): Route[] {
    return [...this.#routes.values()].filter((route) => route.prefix === prefix);
  }

  /** The session is over. */
  clear(): void {
    this.#routes.clear();
  }
}

function routeKey(prefix: string, pathId: number | undefined): string {
  return pathId === undefined ? prefix : `${prefix} ${pathId}`;
}
