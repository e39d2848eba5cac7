import { describe, expectTypeOf, it } from "vitest";
import {
  attachRun,
  coco,
  cocoCaptions,
  connect,
  type DetectedObject,
  type Detections,
  type DType,
  type Embeddings,
  type ErrorDetails,
  type EvaluateResult,
  type EvaluationProgress,
  type Glip,
  type GlipError,
  type GroundedObject,
  type Grounding,
  isGlipError,
  launch,
  type LogLine,
  type Mask,
  type Masked,
  mdetr,
  type PythonWindow,
  type Ready,
  type Run,
  type SceneEvaluation,
  sceneFolder,
  type SceneFolder,
  sceneSplit,
  type SceneTask,
  type Stream,
  sweep,
  Tensor,
  type TrainingEvent,
  type TrainingRun,
  type TrainResult,
  type View,
  type WorkerDeath,
  vqav2,
  yolo,
} from "../../src/index.ts";

declare const glip: Glip;

describe("launch and connect", () => {
  it("give a handle that closes with its block", () => {
    expectTypeOf(launch()).resolves.toEqualTypeOf<Glip>();
    expectTypeOf(connect("ipc:///tmp/worker.sock")).resolves.toEqualTypeOf<Glip>();
    expectTypeOf<Glip>().toExtend<AsyncDisposable>();
    expectTypeOf(glip.info).toEqualTypeOf<Ready>();
    expectTypeOf(glip.transport).toEqualTypeOf<"zeromq" | "zmtp">();
    expectTypeOf(glip.python()).resolves.toEqualTypeOf<PythonWindow>();
  });

  it("take only options that exist", () => {
    void launch({ device: "cuda:0", transport: "zmtp", restart: { max: 2 }, onLog: ({ text }: LogLine) => void text });
    // @ts-expect-error an unknown option
    void launch({ devise: "cpu" });
    // @ts-expect-error not one of the transports
    void launch({ transport: "http" });
    // @ts-expect-error an endpoint is needed
    void connect();
    // @ts-expect-error all three keys are needed
    void connect("tcp://host:1", { keys: { serverKey: "" } });
  });
});

describe("call", () => {
  it("knows each method's result", () => {
    const tensor = Tensor.zeros("float32", [2]);
    expectTypeOf(glip.call("diagnostics.echo", { value: 1 })).resolves.toEqualTypeOf<{ value: unknown }>();
    expectTypeOf(glip.call("diagnostics.generate", { dtype: "int8", shape: [1] })).resolves.toEqualTypeOf<{
      tensor: Tensor;
    }>();
    expectTypeOf(glip.call("diagnostics.describe", { tensor })).resolves.toEqualTypeOf<{
      dtype: DType;
      shape: number[];
      bytes: number;
      sum: number | null;
    }>();
  });

  it("refuses parameters that do not fit, and methods that cannot be streamed", () => {
    // @ts-expect-error not a number
    void glip.call("diagnostics.count", { steps: "3", pause_ms: 0 });
    // @ts-expect-error a parameter is missing
    void glip.call("diagnostics.count", { steps: 3 });
    // @ts-expect-error one parameter too many
    void glip.call("diagnostics.echo", { value: 1, other: 2 });
    // @ts-expect-error the parameters are missing
    void glip.call("diagnostics.echo");
    // @ts-expect-error not a tensor
    void glip.call("diagnostics.describe", { tensor: new Float32Array(1) });
    // @ts-expect-error not a number
    void glip.stream("diagnostics.count", { steps: "3", pause_ms: 0 });
    // @ts-expect-error it has no events
    void glip.stream("diagnostics.echo", { value: 1 });
    // @ts-expect-error not an option
    void glip.call("diagnostics.echo", { value: 1 }, { timeout: 5 });
  });

  it("knows nothing of a plugin's methods", () => {
    expectTypeOf(glip.call("my_plugin.method", { anything: 1 })).resolves.toBeUnknown();
    expectTypeOf(glip.call(String("chosen at run time"))).resolves.toBeUnknown();
    expectTypeOf(glip.stream("my_plugin.job")).toEqualTypeOf<Stream<unknown, unknown>>();
  });
});

describe("looking at pictures", () => {
  it("knows what each verb gives", () => {
    expectTypeOf(glip.detect("a.jpg", ["dog"], { thresholds: { dog: 0.3 } })).resolves.toEqualTypeOf<Detections>();
    expectTypeOf(glip.detectAll(["a.jpg"], ["dog"])).resolves.toEqualTypeOf<(Detections | GlipError)[]>();
    expectTypeOf(glip.detectAll(["a.jpg"], [["dog"]])).resolves.toEqualTypeOf<(Detections | GlipError)[]>();
    expectTypeOf(glip.groundAll(["a.jpg"], "a dog")).resolves.toEqualTypeOf<(Grounding | GlipError)[]>();
    expectTypeOf(glip.segmentAll(["a.jpg"], "a dog")).resolves.toEqualTypeOf<
      (Grounding<Masked<GroundedObject>> | GlipError)[]
    >();
    expectTypeOf(glip.detectStream([], ["dog"])).toExtend<AsyncIterable<Detections>>();
    expectTypeOf(glip.segment("a.jpg", ["dog"])).resolves.toEqualTypeOf<Detections<Masked<DetectedObject>>>();
    expectTypeOf(glip.segment("a.jpg", "a dog")).resolves.toExtend<Grounding>();
    expectTypeOf<DetectedObject["mask"]>().toEqualTypeOf<Mask | undefined>();
    expectTypeOf(glip.embed("a.jpg", ["dog"])).resolves.toEqualTypeOf<Embeddings<Detections>>();
    expectTypeOf(glip.embed("a.jpg", "a dog", { phrases: ["dog"] })).resolves.toEqualTypeOf<Embeddings<Grounding>>();
  });

  it("knows the same of a view, whose picture has its size", () => {
    const view = {} as View;
    expectTypeOf(glip.look("a.jpg", { shortSide: 640 })).resolves.toEqualTypeOf<View>();
    expectTypeOf(view.segment(["dog"], { threshold: 0.3 })).resolves.toEqualTypeOf<
      Detections<Masked<DetectedObject>>
    >();
    expectTypeOf(view.embed("a dog", { phrases: ["dog"] })).resolves.toEqualTypeOf<Embeddings<Grounding>>();
    // @ts-expect-error it was said to look()
    void view.detect(["dog"], { shortSide: 640 });
    // @ts-expect-error what is found is asked for later
    void glip.look("a.jpg", { threshold: 0.3 });
  });

  it("takes only options that exist", () => {
    // @ts-expect-error phrases are of a caption
    void glip.embed("a.jpg", ["dog"], { phrases: ["dog"] });
    // @ts-expect-error thresholds are of categories
    void glip.ground("a.jpg", "a dog", { thresholds: { dog: 0.3 } });
    // @ts-expect-error one picture is no list
    void glip.detectAll("a.jpg", ["dog"]);
    // @ts-expect-error an unknown option
    void glip.detectStream([], ["dog"], { inFlight: 2 });
  });
});

describe("stream", () => {
  it("knows events and result", () => {
    const stream = glip.stream("diagnostics.count", { steps: 1, pause_ms: 0 });
    expectTypeOf(stream).toEqualTypeOf<Stream<{ step: number }, { steps: number }>>();
    expectTypeOf(stream.result).resolves.toEqualTypeOf<{ steps: number }>();
  });
});

describe("training", () => {
  const data = coco("train.json", "images");
  const output = "runs/mine";

  it("gives runs with typed events and results", () => {
    const run = glip.finetune({ train: data, val: data, output, method: "prompt", shots: 5 });
    expectTypeOf(run).toEqualTypeOf<TrainingRun>();
    expectTypeOf(run).toExtend<Run<TrainingEvent, TrainResult>>();
    expectTypeOf(run).toExtend<AsyncIterable<TrainingEvent> & AsyncDisposable>();
    expectTypeOf(glip.pretrain({ train: [data, mdetr("a.json", "b")], output })).toEqualTypeOf(run);
    expectTypeOf(glip.evaluate({ data, output }).result).resolves.toEqualTypeOf<EvaluateResult>();
    expectTypeOf<TrainResult["checkpoint"]>().toEqualTypeOf<string | null>();
  });

  it("takes the options of both engines", () => {
    const run = glip.finetune({
      train: [yolo("data.yaml", "train"), data],
      output,
      method: "linear-probe",
      precision: "bfloat16",
      losses: { inter: 0.5 },
      replay: { data: [sceneFolder("scenes/train")], share: 0.25 },
    });
    expectTypeOf(run).toEqualTypeOf<TrainingRun>();
    expectTypeOf(attachRun(output)).toEqualTypeOf(run);
    const words = [vqav2("q.json", "a.json", "images", { answers: 10 }), cocoCaptions("a.json", "images")];
    expectTypeOf(glip.finetune({ task: "answer", train: words, output })).toEqualTypeOf(run);
    // @ts-expect-error not one of the formats
    glip.pretrain({ train: { format: "kitti", folder: "x" }, output });
    // @ts-expect-error the engine official reads no yolo, and the engine native has no pieces
    glip.pretrain({ train: yolo("data.yaml", "train"), output, pieces: { maskHead: "text" } });
  });

  it("gives the points of a sweep their types", () => {
    void sweep({
      grid: { losses: { grounding: {}, all: { inter: 1, mlm: 1 } }, seed: [0, 1], style: ["a", "b"] },
      run: (handle, { losses, seed, style }, { output: folder, resume, signal }) => {
        expectTypeOf(seed).toEqualTypeOf<0 | 1>();
        expectTypeOf(style).toEqualTypeOf<"a" | "b">();
        return handle.pretrain({ train: data, losses, seed, output: folder, resume, signal });
      },
      over: "seed",
      output,
    });
    // @ts-expect-error not one of the grid's
    void sweep({ grid: { seed: [0] }, run: () => glip.pretrain({ train: data, output }), over: "losses", output });
  });

  it("narrows events by their type", () => {
    const event = {} as TrainingEvent;
    if (event.type === "step") expectTypeOf(event.losses.total).toEqualTypeOf<number | null>();
    if (event.type === "evaluation") expectTypeOf(event.metrics.AP).toEqualTypeOf<number | null | undefined>();
    if (event.type === "checkpoint") expectTypeOf(event.best).toEqualTypeOf<boolean>();
    // @ts-expect-error only a step has losses
    void event.losses;
  });

  it("takes only options that exist", () => {
    // @ts-expect-error nowhere to write to
    glip.finetune({ train: data });
    // @ts-expect-error nothing to train on
    glip.finetune({ output });
    // @ts-expect-error not one of the methods
    glip.finetune({ train: data, output, method: "prompt-v5" });
    // @ts-expect-error not one of the tasks
    glip.finetune({ train: data, output, task: "count" });
    // @ts-expect-error shots are fine-tuning's, and so is a task
    glip.pretrain({ train: data, output, shots: 5, task: "detect" });
    // @ts-expect-error evaluation has data, and trains on nothing
    glip.evaluate({ train: data, output });
    // @ts-expect-error an unknown option
    glip.finetune({ train: data, output, epoch: 3 });
  });
});

describe("evaluation on scenes", () => {
  const data = {} as SceneFolder;

  it("knows the metrics of its task, and writes nothing", () => {
    expectTypeOf(sceneSplit("val-pairs", { home: "/home" })).resolves.toEqualTypeOf<SceneFolder>();
    const run = glip.evaluate({ data, task: "detect" });
    expectTypeOf(run).toEqualTypeOf<Run<EvaluationProgress, SceneEvaluation<"detect">, null>>();
    expectTypeOf(run.output).toEqualTypeOf<null>();
    expectTypeOf<SceneEvaluation<"detect">["metrics"]["AP"]>().toEqualTypeOf<number | null>();
    const { result } = glip.evaluate({ data, task: "ground", pictures: 5 });
    expectTypeOf(result).resolves.toEqualTypeOf<SceneEvaluation<"ground">>();
    expectTypeOf<SceneEvaluation<"ground">["metrics"]["recallAt1"]>().toEqualTypeOf<number>();
    expectTypeOf<SceneEvaluation<"segment">["metrics"]["meanIoU"]>().toEqualTypeOf<number>();
  });

  it("takes a task that is chosen at run time", () => {
    const task = "detect" as SceneTask;
    expectTypeOf(glip.evaluate({ data, task }).result).resolves.toEqualTypeOf<SceneEvaluation>();
  });

  it("takes only what can be measured", () => {
    // @ts-expect-error what is trained on is not measured
    void sceneSplit("train");
    // @ts-expect-error no task
    glip.evaluate({ data });
    // @ts-expect-error not one of the tasks
    glip.evaluate({ data, task: "embed" });
    // @ts-expect-error it writes nothing
    glip.evaluate({ data, task: "detect", output: "runs/val" });
    // @ts-expect-error the model is the handle's
    glip.evaluate({ data, task: "detect", model: "glip-t" });
  });
});

describe("errors", () => {
  it("carry what their code says", () => {
    const error: unknown = undefined;
    if (isGlipError(error, "worker_died")) expectTypeOf(error.details).toEqualTypeOf<WorkerDeath>();
    if (isGlipError(error)) expectTypeOf(error).toEqualTypeOf<GlipError>();
    // @ts-expect-error not one of the codes
    isGlipError(error, "worker_dead");
    expectTypeOf<ErrorDetails["queue_full"]>().toEqualTypeOf<{ pending: number; limit: number }>();
  });
});

describe("Tensor", () => {
  it("has the array of its dtype", () => {
    expectTypeOf(Tensor.zeros("float32", [1]).data).toEqualTypeOf<Float32Array<ArrayBuffer>>();
    expectTypeOf(Tensor.from("int64", [1n]).data).toEqualTypeOf<BigInt64Array<ArrayBuffer>>();
    // @ts-expect-error the array of another dtype
    void new Tensor("float32", [1], new Float64Array(1));
    // @ts-expect-error not one of the dtypes
    Tensor.zeros("float128", [1]);
  });
});
