import { Board } from './board/Board';
import { ProjectList } from './projects/ProjectList';
import { useRoute } from './route';

export function App() {
  const { project, feature } = useRoute();
  // A board of its own for each project: nothing of the one before is shown while the next one loads.
  return project ? <Board key={project} project={project} feature={feature} /> : <ProjectList />;
}
