import type { CallContext, ServiceImplementation } from 'nice-grpc';
import {
  type HealthDefinition,
  HealthServiceImpl,
  type HealthState,
} from 'nice-grpc-server-health';

type Implementation = ServiceImplementation<typeof HealthDefinition>;

/** How long what the daemon needs may take to answer before the daemon counts as unwell. */
const patienceMs = 1_000;
/** grpc.health.v1.HealthCheckResponse.NOT_SERVING. */
const notServing = 2;

/**
 * grpc.health.v1. A daemon that serves but without what it needs, such as its store, says NOT_SERVING when it is asked, so that clients turn
 * to another one.
 */
export function healthService(
  health: HealthState,
  isHealthy: () => Promise<boolean> = async () => true,
): Implementation {
  const serving = HealthServiceImpl(health) as Implementation;
  return {
    ...serving,
    check: async (request, context: CallContext) => {
      if (!(await inTime(isHealthy))) return { status: notServing };
      return serving.check(request, context);
    },
  };
}

async function inTime(isHealthy: () => Promise<boolean>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), patienceMs);
  });
  const asked = isHealthy().catch(() => false);
  return Promise.race([asked, late]).finally(() => clearTimeout(timer));
}
