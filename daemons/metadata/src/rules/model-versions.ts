import type { KeyValueStore } from '@tessera/base';
import type { metadata } from '@tessera/proto';
import { modelVersionUnknown } from '../errors.ts';
import { modelKind } from '../resources/kinds.ts';
import { decodePageToken, encodePageToken, pageSizeOf } from '../resources/page-token.ts';
import { idsOf, selectBelow } from '../resources/resource-key.ts';
import { decodeResource } from '../resources/resource-kind.ts';
import type { ResourceTable } from '../resources/resource-table.ts';
import { versionKey } from './model-rules.ts';

/** Every version that a model ever had. */
export class ModelVersions {
  readonly #store: KeyValueStore;
  readonly #models: ResourceTable<metadata.Model>;

  constructor(store: KeyValueStore, models: ResourceTable<metadata.Model>) {
    this.#store = store;
    this.#models = models;
  }

  /** @throws OUT_OF_RANGE MODEL_VERSION_UNKNOWN, NOT_FOUND when the model is not there. */
  async get(name: string, version: bigint): Promise<metadata.Model> {
    const newest = await this.#models.get(name);
    if (version === 0n || version === newest.version) return newest;
    if (version < 0n) throw modelVersionUnknown(name, version);
    const { entry } = await this.#store.get(versionKey(name, version));
    if (entry === undefined) throw modelVersionUnknown(name, version);
    return decodeResource(modelKind, entry);
  }

  /** Newest first. */
  async list(
    request: metadata.ListModelVersionsRequest,
  ): Promise<metadata.ListModelVersionsResponse> {
    const { name } = request;
    const size = pageSizeOf(request.pageSize);
    const query = ['model-versions', name];
    const page = decodePageToken(request.pageToken, query);
    const range = selectBelow('model-versions', idsOf(modelKind.pattern, name));
    const models: metadata.Model[] = [];
    // Versions are counted without a gap, so a page is read from its last to its first.
    const high = page ? BigInt(page.after) - 1n : (await this.#models.get(name)).version;
    const revision = page?.revision ?? (await this.#store.status()).revision;
    const low = high - BigInt(size) + 1n > 1n ? high - BigInt(size) + 1n : 1n;
    const { entries } = await this.#store.list(
      { start: versionKey(name, low), end: range.end! },
      { revision, limit: Number(high - low + 1n) },
    );
    for (const entry of entries) models.unshift(decodeResource(modelKind, entry));
    const nextPageToken = low > 1n ? encodePageToken({ revision, after: `${low}` }, query) : '';
    return { models, nextPageToken, revision };
  }

  /** The spec of an older version becomes that of a new one. */
  async rollback(request: metadata.RollbackModelRequest): Promise<metadata.Model> {
    const { name, version, etag, validateOnly, requestId } = request;
    const { spec } = await this.get(name, version);
    const current = await this.#models.get(name);
    const resource = { ...current, spec, etag };
    return this.#models.update({ resource, updateMask: ['spec'], validateOnly, requestId });
  }
}
