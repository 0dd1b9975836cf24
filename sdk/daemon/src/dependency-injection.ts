import 'reflect-metadata/lite';
import { container, type DependencyContainer, instanceCachingFactory } from 'tsyringe';

/**
 * Typed tokens over tsyringe, for composition roots only. A token shares its interface's name and carries
 * its type; the global container is for nobody.
 */
export interface Token<T> {
  readonly key: symbol;
  /** Never set: it only carries the type. */
  readonly type?: T;
}

export function token<T>(name: string): Token<T> {
  return { key: Symbol(name) };
}

export type Get = <T>(token: Token<T>) => T;

export class Container {
  readonly #container: DependencyContainer;

  constructor(parent?: Container) {
    this.#container = (parent ? parent.#container : container).createChildContainer();
  }

  /**
   * Registers how to make the one instance behind `token`. The factory resolves from the container that
   * owns the registration, not from the one that asks, so that what a plugin provides for itself can never
   * leak into a shared instance.
   */
  provide<T>(token: Token<T>, create: (get: Get) => T): this {
    this.#container.register(token.key, {
      useFactory: instanceCachingFactory(() => create(this.get)),
    });
    return this;
  }

  readonly get: Get = (token) => this.#container.resolve(token.key);

  child(): Container {
    return new Container(this);
  }
}
