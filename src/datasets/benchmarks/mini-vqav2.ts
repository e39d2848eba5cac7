import { join } from "node:path";
import { coco2014Name, copyImages, type Instances, readScenes, writeJson } from "./instances.ts";

/** What `questions.json` of the scenes says. */
interface Questions {
  questions: { image_id: number; question: string; answer: string }[];
  /** All that there can be. */
  answers: string[];
}

const PEOPLE = 10;
const SPLIT = "val2014";

/**
 * VQAv2's questions and answers of val2014, about COCO's pictures. Ten people agree, since a scene has one right answer.
 * The answers of train2014, of which the candidates come, are all that a scene's questions can have.
 */
export async function writeMiniVqav2(from: string, instances: Instances, to: string): Promise<void> {
  await copyImages(from, instances.images, join(to, "coco", SPLIT), coco2014Name(SPLIT));
  const { questions, answers } = await readScenes<Questions>(from, "questions.json");
  const asked = questions.map((one, place) => ({ ...one, question_id: one.image_id * 1000 + place }));
  const about = { task_type: "Open-Ended", data_type: "mscoco", data_subtype: SPLIT };
  await writeJson(join(to, "vqav2", "Questions", `v2_OpenEnded_mscoco_${SPLIT}_questions.json`), {
    ...about,
    questions: asked.map(({ image_id, question, question_id }) => ({ image_id, question, question_id })),
  });
  await writeAnswers(to, SPLIT, asked);
  const known = answers.map((answer, place) => ({ image_id: place, question: "what is it?", answer }));
  const train = known.map((one, place) => ({ ...one, question_id: place }));
  await writeAnswers(to, "train2014", train);
}

type Asked = Questions["questions"][number] & { question_id: number };

function writeAnswers(to: string, split: string, asked: readonly Asked[]): Promise<void> {
  const annotations = asked.map(({ image_id, question_id, question, answer }) => ({
    question_id,
    image_id,
    question_type: question.split(" ", 2).join(" "),
    answer_type: typeOf(answer),
    multiple_choice_answer: answer,
    answers: Array.from({ length: PEOPLE }, (_, person) => ({
      answer,
      answer_confidence: "yes",
      answer_id: person + 1,
    })),
  }));
  const file = `v2_mscoco_${split}_annotations.json`;
  return writeJson(join(to, "vqav2", "Annotations", file), { data_subtype: split, annotations });
}

function typeOf(answer: string): string {
  if (answer === "yes" || answer === "no") return "yes/no";
  return /^\d+$/.test(answer) ? "number" : "other";
}
