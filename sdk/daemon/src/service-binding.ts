import type { Client, CompatServiceDefinition, ServiceImplementation } from 'nice-grpc';

/** A service and what serves it: what a daemon offers, whoever binds it to a socket or to a neighbour. */
export interface ServiceBinding<
  Definition extends CompatServiceDefinition = CompatServiceDefinition,
> {
  readonly definition: Definition;
  readonly implementation: ServiceImplementation<Definition>;
}

export function serve<Definition extends CompatServiceDefinition>(
  definition: Definition,
  implementation: ServiceImplementation<Definition>,
): ServiceBinding<Definition> {
  return { definition, implementation };
}

/** How a daemon reaches a service of another one: the same shape over gRPC and in process. */
export type ServiceClient<Definition extends CompatServiceDefinition> = Client<Definition>;
