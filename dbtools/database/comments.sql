-- What does each relation and column mean? Of a column: meaning | unit | origin. (No parameters; read by describe.py.)

COMMENT ON VIEW prompts IS 'The prompts that users entered; one row per prompt';
COMMENT ON COLUMN prompts.id IS 'Id of the prompt |  | prompts.id';
COMMENT ON COLUMN prompts.user_id IS 'User who entered it |  | prompts.user_id';
COMMENT ON COLUMN prompts.request_id IS 'Request of the application |  | prompts.request_id';
COMMENT ON COLUMN prompts.original_text IS
  'The prompt as entered; loaded with the long texts only |  | prompts.original_text';
COMMENT ON COLUMN prompts.created_at IS 'When it was entered | UTC | prompts.created_at';
COMMENT ON COLUMN prompts.row_id IS
  'Number of the row: where two rows have the same id, this tells them apart |  | SQLite''s row id, or the order in which a server hands the rows over';
COMMENT ON COLUMN prompts.text_length IS 'Length of the text | characters | from prompts.original_text';
COMMENT ON COLUMN prompts.text_key IS
  'Key of the text up to case, white space and Unicode form: equal for the same text |  | MD5 of the normalised prompts.original_text';
COMMENT ON COLUMN prompts.text_hash IS 'Hash of the exact text, to compare it |  | from prompts.original_text';
COMMENT ON COLUMN prompts.text_secret IS
  'Whether the text looks as if it holds a password, token or key |  | from prompts.original_text';
COMMENT ON COLUMN prompts.text_mark IS
  'The suffix of a generator at the end of the text: [Enhanced by … agent], [v…] |  | from prompts.original_text';
COMMENT ON COLUMN prompts.text_error IS
  'Whether the text begins like an error message |  | from prompts.original_text';
COMMENT ON COLUMN prompts.test_user IS
  'Whether the user is a test program: test_user, demo, load_test and the like |  | from prompts.user_id';

COMMENT ON VIEW versions IS 'The versions that agents and others wrote; one row per version';
COMMENT ON COLUMN versions.id IS 'Id of the version |  | prompt_versions.id';
COMMENT ON COLUMN versions.prompt_id IS 'Its prompt |  | prompt_versions.prompt_id';
COMMENT ON COLUMN versions.version_no IS 'Number within the prompt |  | prompt_versions.version_no';
COMMENT ON COLUMN versions.text IS 'The version''s text; loaded with the long texts only |  | prompt_versions.text';
COMMENT ON COLUMN versions.explanation IS
  'What its writer says of it, as JSON; loaded with the long texts only |  | prompt_versions.explanation';
COMMENT ON COLUMN versions.source IS 'Agent or other writer |  | prompt_versions.source';
COMMENT ON COLUMN versions.created_at IS 'When it was written | UTC | prompt_versions.created_at';
COMMENT ON COLUMN versions.parent_version_id IS 'Version it was made from |  | prompt_versions.parent_version_id';
COMMENT ON COLUMN versions.change_type IS
  'Type of the change: structure, length, wording or other |  | prompt_versions.change_type';
COMMENT ON COLUMN versions.change_magnitude IS 'Size of the change | 0–1 | prompt_versions.change_magnitude';
COMMENT ON COLUMN versions.row_id IS
  'Number of the row: where two rows have the same id, this tells them apart |  | SQLite''s row id, or the order in which a server hands the rows over';
COMMENT ON COLUMN versions.competes IS
  'Whether the source is an agent that competes with others |  | from prompt_versions.source';
COMMENT ON COLUMN versions.text_length IS 'Length of the text | characters | from prompt_versions.text';
COMMENT ON COLUMN versions.text_key IS
  'Key of the text up to case, white space and Unicode form: equal for the same text |  | MD5 of the normalised prompt_versions.text';
COMMENT ON COLUMN versions.text_hash IS 'Hash of the exact text, to compare it |  | from prompt_versions.text';
COMMENT ON COLUMN versions.text_mark IS
  'Ending that the history generator adds, such as [v3] |  | from prompt_versions.text';
COMMENT ON COLUMN versions.text_error IS
  'Whether the text is the error message of a failed call |  | from prompt_versions.text';
COMMENT ON COLUMN versions.text_secret IS
  'Whether the text looks as if it holds a password, token or key |  | from prompt_versions.text';
COMMENT ON COLUMN versions.explanation_kind IS
  'Kind of the JSON (object, array …), or invalid |  | from prompt_versions.explanation';
COMMENT ON COLUMN versions.explanation_secret IS
  'Whether the explanation looks as if it holds a password, token or key |  | from prompt_versions.explanation';
COMMENT ON COLUMN versions.explanation_agent IS
  'Agent that the explanation names |  | field agent of prompt_versions.explanation';
COMMENT ON COLUMN versions.explanation_synthetic IS
  'Whether the explanation says that the row is generated |  | field synthetic of prompt_versions.explanation';
COMMENT ON COLUMN versions.selected_agent IS
  'Agent that the application itself selected |  | field selected_agent of prompt_versions.explanation';
COMMENT ON COLUMN versions.agent_failed IS
  'Whether the agent''s answer could not be used |  | from prompt_versions.explanation';

COMMENT ON VIEW scores IS 'The judge''s scores; one row per score, several per version are possible';
COMMENT ON COLUMN scores.id IS 'Id of the score |  | judge_scores.id';
COMMENT ON COLUMN scores.prompt_version_id IS 'The version scored |  | judge_scores.prompt_version_id';
COMMENT ON COLUMN scores.clarity IS 'Score of clarity | see scored_versions.scale | judge_scores.clarity';
COMMENT ON COLUMN scores.specificity IS 'Score of specificity | see scored_versions.scale | judge_scores.specificity';
COMMENT ON COLUMN scores.actionability IS
  'Score of actionability | see scored_versions.scale | judge_scores.actionability';
COMMENT ON COLUMN scores.structure IS 'Score of structure | see scored_versions.scale | judge_scores.structure';
COMMENT ON COLUMN scores.context_use IS 'Score of context use | see scored_versions.scale | judge_scores.context_use';
COMMENT ON COLUMN scores.feedback IS
  'The judge''s words, as JSON; loaded with the long texts only |  | judge_scores.feedback';
COMMENT ON COLUMN scores.created_at IS 'When it was scored | UTC | judge_scores.created_at';
COMMENT ON COLUMN scores.row_id IS
  'Number of the row: where two rows have the same id, this tells them apart |  | SQLite''s row id, or the order in which a server hands the rows over';
COMMENT ON COLUMN scores.total IS 'Sum of the five scores | see scored_versions.scale | from judge_scores';
COMMENT ON COLUMN scores.feedback_kind IS
  'Kind of the JSON (object, array …), or invalid |  | from judge_scores.feedback';
COMMENT ON COLUMN scores.feedback_secret IS
  'Whether the feedback looks as if it holds a password, token or key |  | from judge_scores.feedback';
COMMENT ON COLUMN scores.feedback_agent IS 'Agent that scored itself |  | from judge_scores.feedback';
COMMENT ON COLUMN scores.feedback_confidence IS 'Confidence that the agent gives |  | from judge_scores.feedback';
COMMENT ON COLUMN scores.feedback_synthetic IS
  'Whether the feedback says that the row is generated |  | from judge_scores.feedback';
COMMENT ON COLUMN scores.heuristic IS
  'Whether a rule scored it because the judge was not reachable |  | from judge_scores.feedback';

COMMENT ON VIEW heads IS 'The version that the application recorded as the best one of each prompt; one row per prompt';
COMMENT ON COLUMN heads.prompt_id IS 'The prompt |  | best_heads.prompt_id';
COMMENT ON COLUMN heads.prompt_version_id IS 'Its best version |  | best_heads.prompt_version_id';
COMMENT ON COLUMN heads.score IS 'Total of that version when it was chosen |  | best_heads.score';
COMMENT ON COLUMN heads.updated_at IS 'When it was chosen | UTC | best_heads.updated_at';
COMMENT ON COLUMN heads.row_id IS
  'Number of the row: where two rows have the same id, this tells them apart |  | SQLite''s row id, or the order in which a server hands the rows over';

COMMENT ON VIEW feedback IS 'The users'' votes; one row per vote';
COMMENT ON COLUMN feedback.id IS 'Id of the vote |  | user_feedback.id';
COMMENT ON COLUMN feedback.request_id IS 'Request of the application |  | user_feedback.request_id';
COMMENT ON COLUMN feedback.user_id IS 'User who voted |  | user_feedback.user_id';
COMMENT ON COLUMN feedback.prompt_id IS 'The prompt |  | user_feedback.prompt_id';
COMMENT ON COLUMN feedback.user_choice IS
  'What the user chose: original, single or multi |  | user_feedback.user_choice';
COMMENT ON COLUMN feedback.judge_winner IS 'What the judge prefers |  | user_feedback.judge_winner';
COMMENT ON COLUMN feedback.agent_winner IS 'Agent whose version the user chose |  | user_feedback.agent_winner';
COMMENT ON COLUMN feedback.judge_correct IS 'Whether user and judge agree |  | user_feedback.judge_correct';
COMMENT ON COLUMN feedback.created_at IS 'When the vote was cast | UTC | user_feedback.created_at';
COMMENT ON COLUMN feedback.row_id IS
  'Number of the row: where two rows have the same id, this tells them apart |  | SQLite''s row id, or the order in which a server hands the rows over';

COMMENT ON VIEW token_usage IS 'The calls of language models; one row per call';
COMMENT ON COLUMN token_usage.id IS 'Id of the call |  | token_usage.id';
COMMENT ON COLUMN token_usage.prompt_version_id IS 'Version that it wrote |  | token_usage.prompt_version_id';
COMMENT ON COLUMN token_usage.prompt_tokens IS 'Tokens sent | tokens | token_usage.prompt_tokens';
COMMENT ON COLUMN token_usage.completion_tokens IS 'Tokens received | tokens | token_usage.completion_tokens';
COMMENT ON COLUMN token_usage.total_tokens IS 'Both | tokens | token_usage.total_tokens';
COMMENT ON COLUMN token_usage.model IS 'Name of the model |  | token_usage.model';
COMMENT ON COLUMN token_usage.cost_usd IS 'Cost as stored | USD | token_usage.cost_usd';
COMMENT ON COLUMN token_usage.created_at IS 'When it was made | UTC | token_usage.created_at';
COMMENT ON COLUMN token_usage.row_id IS
  'Number of the row: where two rows have the same id, this tells them apart |  | SQLite''s row id, or the order in which a server hands the rows over';

COMMENT ON VIEW security_inputs IS 'The inputs that the application checked for risk; one row per input';
COMMENT ON COLUMN security_inputs.id IS 'Id of the input |  | security_inputs.id';
COMMENT ON COLUMN security_inputs.user_id IS 'User who sent it |  | security_inputs.user_id';
COMMENT ON COLUMN security_inputs.input_text IS
  'The input; loaded with the long texts only |  | security_inputs.input_text';
COMMENT ON COLUMN security_inputs.risk_score IS 'Risk | 0–100 | security_inputs.risk_score';
COMMENT ON COLUMN security_inputs.label IS 'Class of risk |  | security_inputs.label';
COMMENT ON COLUMN security_inputs.is_blocked IS 'Whether it was blocked |  | security_inputs.is_blocked';
COMMENT ON COLUMN security_inputs.analysis_metadata IS
  'Details of the check, as JSON; loaded with the long texts only |  | security_inputs.analysis_metadata';
COMMENT ON COLUMN security_inputs.created_at IS 'When it was checked | UTC | security_inputs.created_at';
COMMENT ON COLUMN security_inputs.row_id IS
  'Number of the row: where two rows have the same id, this tells them apart |  | SQLite''s row id, or the order in which a server hands the rows over';
COMMENT ON COLUMN security_inputs.text_length IS 'Length of the text | characters | from security_inputs.input_text';
COMMENT ON COLUMN security_inputs.text_key IS
  'Key of the text up to case, white space and Unicode form: equal for the same text |  | MD5 of the normalised security_inputs.input_text';
COMMENT ON COLUMN security_inputs.test_user IS
  'Whether the user is a test program: test_user, demo, load_test and the like |  | from security_inputs.user_id';
COMMENT ON COLUMN security_inputs.text_secret IS
  'Whether the text looks as if it holds a password, token or key |  | from security_inputs.input_text';
COMMENT ON COLUMN security_inputs.metadata_kind IS
  'Kind of the JSON (object, array …), or invalid |  | from security_inputs.analysis_metadata';
COMMENT ON COLUMN security_inputs.metadata_secret IS
  'Whether the details look as if they hold a password, token or key |  | from security_inputs.analysis_metadata';

COMMENT ON VIEW scored_versions IS 'What is known of each version, with its newest score on one scale; one row per version';
COMMENT ON COLUMN scored_versions.version_id IS 'The version |  | versions.id';
COMMENT ON COLUMN scored_versions.prompt_id IS 'Its prompt |  | versions.prompt_id';
COMMENT ON COLUMN scored_versions.source IS 'Agent or other writer |  | versions.source';
COMMENT ON COLUMN scored_versions.competes IS
  'Whether the source is an agent that competes with others |  | versions.competes';
COMMENT ON COLUMN scored_versions.version_no IS 'Number within the prompt |  | versions.version_no';
COMMENT ON COLUMN scored_versions.created_at IS 'When it was written | UTC | versions.created_at';
COMMENT ON COLUMN scored_versions.clarity IS 'Score of clarity as stored | see scale | newest scores.clarity';
COMMENT ON COLUMN scored_versions.specificity IS
  'Score of specificity as stored | see scale | newest scores.specificity';
COMMENT ON COLUMN scored_versions.actionability IS
  'Score of actionability as stored | see scale | newest scores.actionability';
COMMENT ON COLUMN scored_versions.structure IS 'Score of structure as stored | see scale | newest scores.structure';
COMMENT ON COLUMN scored_versions.context_use IS
  'Score of context use as stored | see scale | newest scores.context_use';
COMMENT ON COLUMN scored_versions.raw_total IS 'Sum of the five scores as stored | see scale | newest scores.total';
COMMENT ON COLUMN scored_versions.total IS
  'Total on one scale; NULL where the scale is unknown | 0–50 | from raw_total and scale';
COMMENT ON COLUMN scored_versions.scale IS
  'judge (five scores of 0–10), unit (0–1), stuck (the same for all texts), heuristic (0 or 5), self (0–20), synthetic (0–100) or unknown |  | from the newest score';
COMMENT ON COLUMN scored_versions.provenance IS 'real, generated, placeholder or unknown |  | provenance';
COMMENT ON COLUMN scored_versions.is_head IS 'Whether the newest head of the prompt names it |  | heads';
COMMENT ON COLUMN scored_versions.is_best IS
  'Whether it has the highest total among the competing agents of its prompt on the same scale |  | computed';
COMMENT ON COLUMN scored_versions.text_length IS 'Length of the text | characters | versions.text_length';
COMMENT ON COLUMN scored_versions.text_key IS 'Key of the normalised text |  | versions.text_key';
COMMENT ON COLUMN scored_versions.parent_version_id IS 'Version it was made from |  | versions.parent_version_id';
COMMENT ON COLUMN scored_versions.change_type IS 'Type of the change |  | versions.change_type';
COMMENT ON COLUMN scored_versions.change_magnitude IS 'Size of the change | 0–1 | versions.change_magnitude';
COMMENT ON COLUMN scored_versions.selected_agent IS
  'Agent that the application itself selected |  | versions.selected_agent';
COMMENT ON COLUMN scored_versions.score_id IS 'The newest score |  | scores.id';
COMMENT ON COLUMN scored_versions.row_id IS 'Number of the version''s row |  | versions.row_id';

COMMENT ON VIEW contests IS 'How each agent fared in each prompt; one row per prompt, provenance and competing agent';
COMMENT ON COLUMN contests.prompt_id IS 'The prompt |  | versions.prompt_id';
COMMENT ON COLUMN contests.agent IS 'The agent |  | versions.source';
COMMENT ON COLUMN contests.version_id IS 'The last version of the agent in this prompt |  | versions.id';
COMMENT ON COLUMN contests.version_no IS 'Its number |  | versions.version_no';
COMMENT ON COLUMN contests.created_at IS 'When it was written | UTC | versions.created_at';
COMMENT ON COLUMN contests.agents IS 'How many agents compete in this prompt | agents | computed';
COMMENT ON COLUMN contests.provenance IS 'real, generated, placeholder or unknown |  | provenance';
COMMENT ON COLUMN contests.scale IS 'Scale of the score |  | scored_versions.scale';
COMMENT ON COLUMN contests.total IS 'Total of the version | 0–50 | scored_versions.total';
COMMENT ON COLUMN contests.clarity IS 'Score of clarity as stored | see scale | scored_versions.clarity';
COMMENT ON COLUMN contests.specificity IS 'Score of specificity as stored | see scale | scored_versions.specificity';
COMMENT ON COLUMN contests.actionability IS
  'Score of actionability as stored | see scale | scored_versions.actionability';
COMMENT ON COLUMN contests.structure IS 'Score of structure as stored | see scale | scored_versions.structure';
COMMENT ON COLUMN contests.context_use IS 'Score of context use as stored | see scale | scored_versions.context_use';
COMMENT ON COLUMN contests.text_length IS 'Length of the text | characters | versions.text_length';
COMMENT ON COLUMN contests.prompt_key IS 'Key of the prompt''s normalised text |  | prompts.text_key';
COMMENT ON COLUMN contests.recorded_win IS
  '1 where the head is the agent''s; NULL where no agent''s version is the head | 0–1 | heads';
COMMENT ON COLUMN contests.score_win IS
  'Share of the highest total (a tie of k: 1/k); NULL where not all have one on one scale | 0–1 | computed';
COMMENT ON COLUMN contests.selected_win IS
  '1 where the application selected the agent; NULL without a selection | 0–1 | versions.selected_agent';
COMMENT ON COLUMN contests.user_win IS
  'Share of the users'' votes for the agent; NULL without votes | 0–1 | feedback';

COMMENT ON VIEW provenance IS 'Whether a row is real or generated, and why; one row per prompt, version, score and head';
COMMENT ON COLUMN provenance.relation IS 'prompts, versions, scores or heads |  | computed';
COMMENT ON COLUMN provenance.row_id IS 'Number of the row in it |  | row_id of the relation';
COMMENT ON COLUMN provenance.id IS 'Id of the row |  | id of the relation (of heads: prompt_id)';
COMMENT ON COLUMN provenance.provenance IS
  'real, generated, placeholder (of a failed run) or unknown (its parent is missing) |  | computed';
COMMENT ON COLUMN provenance.marks IS
  'The reasons why it counts as generated, as the names of the audit''s checks |  | computed';

COMMENT ON TABLE prices IS 'List prices of models; one row per model and price';
COMMENT ON COLUMN prices.model IS 'Name of the model in lower case |  | prices.csv';
COMMENT ON COLUMN prices.since IS 'First day of the price |  | prices.csv';
COMMENT ON COLUMN prices.input_usd IS 'Price of tokens sent | USD per million tokens | prices.csv';
COMMENT ON COLUMN prices.output_usd IS 'Price of tokens received | USD per million tokens | prices.csv';

COMMENT ON TABLE ratings IS 'The blind ratings of two versions that were not taken back; one row per rating';
COMMENT ON COLUMN ratings.id IS 'Id of the rating |  | ratings.jsonl';
COMMENT ON COLUMN ratings.created_at IS 'When it was made | UTC | ratings.jsonl';
COMMENT ON COLUMN ratings.rater IS 'Who made it: a person, or the name of a judge model |  | ratings.jsonl';
COMMENT ON COLUMN ratings.prompt_id IS 'Prompt of both versions |  | ratings.jsonl';
COMMENT ON COLUMN ratings.left_version_id IS 'Version that stood on the left |  | ratings.jsonl';
COMMENT ON COLUMN ratings.right_version_id IS 'Version that stood on the right |  | ratings.jsonl';
COMMENT ON COLUMN ratings.choice IS 'Which is better: left, right, tie, or skip |  | ratings.jsonl';
COMMENT ON COLUMN ratings.seconds IS
  'How long it took; NULL where nobody looked at a page of dbtools | seconds | ratings.jsonl';
COMMENT ON COLUMN ratings.side_order IS
  'ab: the agent whose name sorts first stood on the left; ba: the other one |  | ratings.jsonl';
