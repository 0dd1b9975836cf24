import { mkdtemp, rename, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { digestOfFile } from './digest-of-file.ts';
import { checksumWrong, versionDiffers } from './errors.ts';
import { fetchPackages } from './fetch-packages.ts';
import { type KnownVersion, knownVersion } from './known-versions.ts';
import { bundleFiles, pack } from './pack.ts';
import { readTarball, type Tarball } from './read-tarball.ts';
import { orNoSpace, requireSpace } from './space.ts';

export interface BundleRequest {
  /** With a tarball it may be left out: the tarball's. */
  readonly version?: string;
  /** Instead of packages from registries. */
  readonly tarball?: Tarball;
  /** The archive to write. It is there whole or not at all. */
  readonly output: string;
  /** Hears what is done next, for people. */
  readonly onStep: (step: string) => void;
  readonly signal: AbortSignal;
}

export interface Bundle {
  readonly version: string;
  /** SHA-256 of the archive. The same files always have the same one. */
  readonly digest: string;
  readonly sizeBytes: number;
  readonly fileCount: number;
}

/** The version that is fetched unless another one is named. */
export const defaultVersion = '2.3.0';

/** Packages, what they are unpacked to, and the bundle, for a while side by side. */
const fetchedBytes = 3 * 2 ** 30;
/** What a tarball unpacks to, and the bundle, over its own size. */
const unpackedRatio = 3;

/**
 * Makes an archive of what starts Flink: `lib`, `opt` and `plugins`. Each file is compared with what was published before it is packed.
 * @throws FLINK_VERSION_UNKNOWN, FLINK_VERSION_DIFFERS, FLINK_CHECKSUM_UNKNOWN, FLINK_CHECKSUM_WRONG, FLINK_TARBALL_INVALID, FLINK_TOOL_MISSING, FLINK_FETCH_FAILED, FLINK_BUNDLE_NO_SPACE
 */
export async function makeBundle(request: BundleRequest): Promise<Bundle> {
  const folder = await mkdtemp(join(tmpdir(), 'tessera-flink-bundle-'));
  try {
    const version = await orNoSpace(folder, () => collect(request, folder));
    const files = await bundleFiles(folder);
    request.onStep('packing');
    return { version, fileCount: files.length, ...(await write(folder, files, request.output)) };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function write(folder: string, files: readonly string[], output: string) {
  const unfinished = `${output}.part`;
  try {
    await orNoSpace(dirname(output), () => pack(folder, files, unfinished));
    await rename(unfinished, output);
  } catch (error) {
    await rm(unfinished, { force: true });
    throw error;
  }
  const { size: sizeBytes } = await stat(output);
  return { sizeBytes, digest: await digestOfFile(output, 'sha256') };
}

/** Brings the files of a bundle into the folder, compared; gives their version. */
async function collect(request: BundleRequest, folder: string): Promise<string> {
  const { version, tarball, onStep, signal } = request;
  if (tarball === undefined) {
    const known = knownVersion(version ?? defaultVersion);
    await requireSpace(folder, fetchedBytes);
    await fetchPackages(known, { folder, onStep, signal });
    onStep('comparing every file with what was published');
    await compare(known, folder);
    return known.version;
  }
  const size = (await stat(tarball.file).catch(() => undefined))?.size ?? 0;
  await requireSpace(folder, size * unpackedRatio);
  onStep(`reading ${tarball.file}`);
  const found = await readTarball(tarball, folder);
  if (version !== undefined && version !== found)
    throw versionDiffers(tarball.file, found, version);
  return found;
}

/** All files that are known, and no others. */
async function compare({ files }: KnownVersion, folder: string): Promise<void> {
  const found = await bundleFiles(folder);
  for (const path of new Set([...Object.keys(files), ...found])) {
    const wanted = files[path] ?? 'none: it is no file of this version';
    const digest = found.includes(path)
      ? await digestOfFile(join(folder, path), 'sha256')
      : 'none: it is missing';
    if (digest !== wanted) throw checksumWrong(path, { found: digest, wanted });
  }
}
