import type { EngineApi } from '../api/engine-api.ts';
import type { SessionBuilds } from '../api/session-build.ts';
import type { Builder } from '../build/builder.ts';
import { containerArchiveGet, containerArchivePut, containerArchiveStat } from './archive.ts';
import { containerAttach } from './attach.ts';
import { buildImage } from './build.ts';
import { pruneBuilds } from './build-cache.ts';
import { buildWithClient, nameTogether } from './build-with-client.ts';
import { containerChanges } from './changes.ts';
import { classicBuild } from './classic-build.ts';
import { close } from './close.ts';
import { commitContainer } from './commit.ts';
import type { EngineContext } from './context.ts';
import { checkCreations } from './check-creations.ts';
import { createContainer } from './create.ts';
import { diskUsage } from './disk-usage.ts';
import { systemEvents } from './events.ts';
import { execCreate, execInspect, execResize, execStart } from './exec.ts';
import { containerEnded } from './exit.ts';
import { exportContainer } from './export.ts';
import { imageFiles, imageSbom } from './image-content.ts';
import { bootstrapImage, createImage, loadFromArchive, saveToArchive } from './image-transfer.ts';
import { imageHistory, inspectImage, listImages, pruneImages, removeImage, tagImage } from './images.ts';
import { inspectContainer } from './inspect.ts';
import { keptLayers } from './kept-layers.ts';
import { type LifeContext, withLife } from './life.ts';
import { listContainers } from './list.ts';
import { startLogRotation } from './log-rotation.ts';
import { containerLogs } from './logs.ts';
import { connectNetwork, disconnectNetwork } from './network-connect.ts';
import { createNetwork, inspectNetwork, listNetworks, pruneNetworks, removeNetwork } from './networks.ts';
import { pauseContainer, unpauseContainer } from './pause.ts';
import { portHolders } from './port-holders.ts';
import { pruneContainers } from './prune.ts';
import { clearTemporary, recover } from './recover.ts';
import { checkLogin, inspectDistribution, pushImages, searchImages } from './registry.ts';
import { listServed, removeServed, serveImages } from './registry-serve.ts';
import { removeContainer } from './remove.ts';
import { renameContainer } from './rename.ts';
import { resizeContainer } from './resize.ts';
import { restartContainer } from './restart.ts';
import { restartUnhealthy } from './restart-unhealthy.ts';
import { listSchedules, startSchedules } from './schedules.ts';
import { createSecret, inspectSecret, listSecrets, removeSecret, secretData, updateSecret } from './secrets.ts';
import { drainContainer } from './serving.ts';
import { startContainer } from './start.ts';
import { containerStats } from './stats.ts';
import { killContainer, stopContainer } from './stop.ts';
import { collectAll, storage } from './storage.ts';
import { info, ping, versionOf } from './system.ts';
import { containerTop } from './top.ts';
import { readTrustPolicy, setTrustPolicy } from './trust.ts';
import { updateContainer } from './update.ts';
import { cloneVolume, exportVolume, importVolume, restoreVolume } from './volume-copies.ts';
import { createVolume, inspectVolume, listVolumes, pruneVolumes, removeVolume } from './volumes.ts';
import { waitForContainer } from './wait.ts';

/** The engine in one object: delegation, no logic. */
export type Engine = EngineApi &
  SessionBuilds & {
    /** Finishes what an earlier daemon began; to be awaited before the first operation. */
    recover(): Promise<void>;
    /** Ends the looking-after. Containers go on; without any, everything made in the kernel is removed. */
    close(): Promise<void>;
  };

export function createEngine(parts: EngineContext, builder: Builder): Engine {
  const context = withLife(parts, containerEnded, restartUnhealthy);
  const stopRotation = startLogRotation(context);
  const stopSchedules = startSchedules(context);
  return {
    ...systemOperations(context, builder),
    ...containerOperations(context),
    ...imageOperations(context, builder),
    ...networkOperations(context),
    ...volumeOperations(context),
    ...secretOperations(context),
    recover: async () => {
      await recover(context);
      await builder.cleanLeftovers();
      clearTemporary(context);
    },
    close: async () => {
      stopRotation();
      stopSchedules();
      await close(context);
    },
  };
}

function systemOperations(context: LifeContext, builder: Builder) {
  return {
    systemPing: () => ping(),
    systemVersion: () => versionOf(context),
    systemInfo: () => info(context),
    systemDiskUsage: (request) => diskUsage(context, builder, request),
    systemStorage: () => storage(context),
    systemGc: () => collectAll(context, () => keptLayers(context, builder)),
    scheduleList: (request) => listSchedules(context, request),
    systemEvents: (request) => systemEvents(context, request),
  } satisfies Partial<EngineApi>;
}

function containerOperations(context: LifeContext) {
  return {
    containerList: (request) => listContainers(context, request),
    containerCreate: (request) => createContainer(context, request),
    containerInspect: (request) => inspectContainer(context, request),
    containerStart: (request) => startContainer(context, request),
    containerStop: (request) => stopContainer(context, request),
    containerDrain: (request) => drainContainer(context, request),
    containerRestart: (request) => restartContainer(context, request),
    containerKill: (request) => killContainer(context, request),
    containerPause: (request) => pauseContainer(context, request),
    containerUnpause: (request) => unpauseContainer(context, request),
    containerRename: (request) => renameContainer(context, request),
    containerUpdate: (request) => updateContainer(context, request),
    containerRemove: (request) => removeContainer(context, request),
    containerWait: (request) => waitForContainer(context, request),
    containerResize: (request) => resizeContainer(context, request),
    containerAttach: (request) => containerAttach(context, request),
    containerLogs: (request) => containerLogs(context, request),
    containerTop: (request) => containerTop(context, request),
    containerStats: (request) => containerStats(context, request),
    containerChanges: (request) => containerChanges(context, request),
    containerExport: (request) => exportContainer(context, request),
    containerCommit: (request) => commitContainer(context, request),
    containerArchiveStat: (request) => containerArchiveStat(context, request),
    containerArchiveGet: (request) => containerArchiveGet(context, request),
    containerArchivePut: (request) => containerArchivePut(context, request),
    containerPrune: (request) => pruneContainers(context, request),
    execCreate: (request) => execCreate(context, request),
    execStart: (request) => execStart(context, request),
    execInspect: (request) => execInspect(context, request),
    execResize: (request) => execResize(context, request),
  } satisfies Partial<EngineApi>;
}

function imageOperations(context: LifeContext, builder: Builder) {
  const kept = () => keptLayers(context, builder);
  return {
    imageList: (request) => listImages(context, request),
    imageInspect: (request) => inspectImage(context, request),
    imageHistory: (request) => imageHistory(context, request),
    distributionInspect: (request) => inspectDistribution(context, request),
    imagePush: (request) => pushImages(context, request),
    imageSearch: (request) => searchImages(context, request),
    systemAuth: (request) => checkLogin(context, request),
    imageTag: (request) => tagImage(context, request),
    imageRemove: (request) => removeImage(context, request, kept),
    imagePrune: (request) => pruneImages(context, request, kept),
    imageCreate: (request) => createImage(context, request),
    imageBuild: (request) => {
      if (request.steps) return buildImage(context, builder, request);
      return classicBuild(context, builder, request);
    },
    buildWithClient: (request) => buildWithClient(context, builder, request),
    nameTogether: async (request) => nameTogether(context, request),
    buildPrune: (request) => pruneBuilds(context, builder, request),
    imageBootstrap: (request) => bootstrapImage(context, request),
    imageSbom: (request) => imageSbom(context, request),
    imageFiles: (request) => imageFiles(context, request),
    trustPolicy: () => readTrustPolicy(context),
    trustPolicySet: (request) => setTrustPolicy(context, request),
    registryList: () => listServed(context),
    registryRemove: (request) => removeServed(context, request, kept),
    registryServe: (request) => serveImages(context, request),
    imageTree: async ({ name, folder }) => builder.tree(context.images.get(name).chain, folder),
    imagesGet: (request) => saveToArchive(context, request),
    imagesLoad: (request) => loadFromArchive(context, request),
  } satisfies Partial<EngineApi & SessionBuilds>;
}

function networkOperations(context: LifeContext) {
  return {
    portHolders: (request) => portHolders(context, request),
    creationsCheck: (request) => checkCreations(context, request),
    networkList: (request) => listNetworks(context, request),
    networkInspect: (request) => inspectNetwork(context, request),
    networkCreate: (request) => createNetwork(context, request),
    networkRemove: (request) => removeNetwork(context, request),
    networkConnect: (request) => connectNetwork(context, request),
    networkDisconnect: (request) => disconnectNetwork(context, request),
    networkPrune: (request) => pruneNetworks(context, request),
  } satisfies Partial<EngineApi>;
}

function volumeOperations(context: LifeContext) {
  return {
    volumeList: (request) => listVolumes(context, request),
    volumeCreate: (request) => createVolume(context, request),
    volumeInspect: (request) => inspectVolume(context, request),
    volumeRemove: (request) => removeVolume(context, request),
    volumeClone: (request) => cloneVolume(context, request),
    volumeRestore: (request) => restoreVolume(context, request),
    volumeExport: (request) => exportVolume(context, request),
    volumeImport: (request) => importVolume(context, request),
    volumePrune: (request) => pruneVolumes(context, request),
  } satisfies Partial<EngineApi>;
}

function secretOperations(context: LifeContext) {
  return {
    secretList: (request) => listSecrets(context, 'secret', request),
    secretCreate: (request) => createSecret(context, 'secret', request),
    secretInspect: ({ id }) => inspectSecret(context, 'secret', id),
    secretUpdate: (request) => updateSecret(context, 'secret', request),
    secretRemove: ({ id }) => removeSecret(context, 'secret', id),
    secretData: ({ id }) => secretData(context, id),
    configList: (request) => listSecrets(context, 'config', request),
    configCreate: (request) => createSecret(context, 'config', request),
    configInspect: ({ id }) => inspectSecret(context, 'config', id),
    configUpdate: (request) => updateSecret(context, 'config', request),
    configRemove: ({ id }) => removeSecret(context, 'config', id),
    pluginList: async () => [],
  } satisfies Partial<EngineApi>;
}
